#include "flatenn/analysis/results_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string text_of(const Analysis& analysis) { return analysis_json(analysis).dump(); }

std::string refusal(const json& document) {
  try {
    parse_analysis(document.dump(), "a.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ResultsJson, ComesBack) {
  const std::string text = text_of(example_analysis("sparse-saq seed 0", 2));
  EXPECT_EQ(text_of(parse_analysis(text, "a.json")), text);
}

TEST(ResultsJson, WhatIsNotFiniteIsNull) {
  Analysis analysis = example_analysis("a", 1);
  analysis.here.loss = std::nan("");
  analysis.landscape.lines[0][0].loss = std::numeric_limits<double>::infinity();
  analysis.flatness.average = {1, std::nan(""), -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::infinity(), 1};
  const Analysis back = parse_analysis(text_of(analysis), "a.json");
  EXPECT_TRUE(std::isnan(back.here.loss));
  EXPECT_TRUE(std::isnan(back.landscape.lines[0][0].loss));
  EXPECT_EQ(back.flatness.average.lo, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(back.flatness.average.hi, std::numeric_limits<double>::infinity());
}

TEST(ResultsJson, AStudyComesBack) {
  StudyAnalysis study;
  study.networks = {{"sparse", 0, example_analysis("sparse seed 0", 2)},
                    {"standard", 1, example_analysis("standard seed 1", 1)}};
  study.correlations = {{"trace",
                         FaultKind::stuck1,
                         0.01,
                         {0.5, std::nan(""), 0.1, 0.8, 6},
                         {0.4, 0.1, -1, 1, 2},
                         0.03}};
  study.best = "trace";
  study.best_mean = 0.5;
  study.rankings = {{"sparse seed 0",
                     "layers",
                     FaultKind::flip,
                     0.05,
                     {{"conv.weight", 0.1, 2}, {"fc.weight", 0.2, 3}},
                     {1, std::nan(""), -1, 1, 2}}};
  const std::string text = study_analysis_json(study).dump();
  EXPECT_EQ(study_analysis_json(parse_study_analysis(text, "s.json")).dump(), text);
  EXPECT_THROW(parse_analysis(text, "s.json"), Error);
}

TEST(ResultsJson, ForeignDocumentsAreRefusedByPlace) {
  const json good = json::parse(text_of(example_analysis("a", 1)));
  EXPECT_EQ(refusal(good), "accepted");
  EXPECT_THAT(refusal(json::array()), HasSubstr("a.json: "));
  EXPECT_THAT(refusal(json{{"subjects", 1}}), HasSubstr("\"format\" and \"analysis\" needed"));
  json changed = good;
  for (const json& other : {json(0), json(3), json("2"), json(1.5), json(1ull << 63)}) {
    changed["format"] = other;
    EXPECT_THAT(refusal(changed), HasSubstr("analysis format " + other.dump()));
    EXPECT_THAT(refusal(changed), HasSubstr("this program reads 1 to 2"));
  }
  changed = good;
  changed["analysis"]["loss"] = "much";
  EXPECT_THAT(refusal(changed), HasSubstr("loss: must be a number"));
  changed = good;
  changed["analysis"]["images"] = -1;
  EXPECT_THAT(refusal(changed), HasSubstr("images: must be a whole number"));
  changed = good;
  changed["analysis"]["what"] = 1;
  EXPECT_THAT(refusal(changed), HasSubstr("what"));
  changed = good;
  changed["analysis"].erase("bits");
  EXPECT_THAT(refusal(changed), HasSubstr("bits"));
  changed = good;
  changed["analysis"]["bits"][0]["kinds"][0]["kind"] = "flop";
  EXPECT_THAT(refusal(changed), HasSubstr("flop"));
}

/// Before the mean square of the codes was written.
TEST(ResultsJson, TheFirstFormatIsRead) {
  const Analysis analysis = example_analysis("a", 1);
  json old = json::parse(text_of(analysis));
  old["format"] = 1;
  EXPECT_THAT(refusal(old), HasSubstr("mean_square_code"));  // format 1 had no such key
  old["analysis"].erase("mean_square_code");
  EXPECT_EQ(mean_square_code(parse_analysis(old.dump(), "a.json").histograms),
            mean_square_code(analysis.histograms));
  EXPECT_GT(mean_square_code(analysis.histograms), 0);
  old["format"] = 2;
  EXPECT_THAT(refusal(old), HasSubstr("mean_square_code"));
}

TEST(ResultsJson, SizesMustFit) {
  const json good = json::parse(text_of(example_analysis("a", 1)));
  json changed = good;
  changed["analysis"]["landscape"]["plane"]["loss"].push_back(1);
  EXPECT_THAT(refusal(changed), HasSubstr("as many losses as accuracies"));
  changed = good;
  changed["analysis"]["landscape"]["line_positions"].push_back(2);
  EXPECT_THAT(refusal(changed), HasSubstr("a point a position"));
  changed = good;
  changed["analysis"]["landscape"]["plane_positions"].push_back(2);
  EXPECT_THAT(refusal(changed), HasSubstr("a point a pair of positions"));
  changed = good;
  changed["analysis"]["curvature"]["residuals"].push_back(2);
  EXPECT_THAT(refusal(changed), HasSubstr("one an eigenvalue"));
  changed = good;
  changed["analysis"]["margins"]["shares"].push_back(2);
  EXPECT_THAT(refusal(changed), HasSubstr("one a share"));
}

TEST(ResultsJson, TruncatedTextIsRefused) {
  const std::string text = text_of(example_analysis("a", 1));
  for (const std::size_t length : {std::size_t{0}, text.size() / 2, text.size() - 1}) {
    EXPECT_THROW(parse_analysis(text.substr(0, length), "a.json"), Error);
  }
}

}  // namespace
}  // namespace flatenn
