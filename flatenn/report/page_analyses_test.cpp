#include "flatenn/report/page_analyses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> labels(const std::vector<const Analysis*>& analyses) {
  std::vector<std::string> labels;
  for (const Analysis* one : analyses) labels.push_back(one->label);
  return labels;
}

TEST(PageAnalyses, OneSeedOfEveryArmFirstAndNothingTwice) {
  PageInputs inputs;
  inputs.study.emplace();
  inputs.study->networks = {{"a", 0, example_analysis("a-seed0", 1)},
                            {"a", 1, example_analysis("a-seed1", 1)},
                            {"b", 0, example_analysis("b-seed0", 1)}};
  inputs.analyses = {example_analysis("b-seed0", 1), example_analysis("other", 1)};
  EXPECT_THAT(labels(analyses_of(inputs)), ElementsAre("a-seed0", "b-seed0", "a-seed1", "other"));
  // The same label of another model is another network.
  inputs.analyses[0].model_hash = "another";
  EXPECT_EQ(analyses_of(inputs).size(), 5u);
}

TEST(PageAnalyses, WithoutAnalysesTheCommandsAreNamed) {
  const PageSection section = flatness_section({});
  EXPECT_TRUE(section.figures.empty());
  EXPECT_THAT(section.missing, ElementsAre(HasSubstr("flatenn analyze MODEL")));
}

TEST(PageAnalyses, EveryPartOfAnAnalysisHasItsFigure) {
  PageInputs inputs;
  inputs.analyses = {example_analysis("one", 2)};
  const PageSection section = flatness_section(inputs);
  EXPECT_TRUE(section.missing.empty());
  const PageFigure& slices = figure(section, "slices");
  EXPECT_EQ(slices.table.rows(), 10u);  // two directions of five positions
  EXPECT_THAT(column(slices, "loss").at(0), 2.25);
  EXPECT_EQ(figure(section, "plane").options["surfaces"][0]["loss"].size(), 9u);
  EXPECT_THAT(column(figure(section, "measures"), "measure").at(0), "top eigenvalue");
  EXPECT_THAT(column(figure(section, "measures"), "measure"),
              Contains("negative mean square of codes"));
  EXPECT_THAT(column(figure(section, "layer-sparsity"), "zeros"), ElementsAre(80, 50));
  EXPECT_THAT(column(figure(section, "margins"), "margin"), ElementsAre(-2, 3, 9));
  const PageFigure& histograms = figure(section, "histograms");
  EXPECT_EQ(column(histograms, "code").at(0), -8);
  EXPECT_EQ(column(histograms, "value").at(0), -0.8);
  EXPECT_THAT(column(figure(section, "distances"), "distance"), ElementsAre(0.9, 0.4));
}

TEST(PageAnalyses, WhatWasNotMeasuredHasNoFigure) {
  Analysis bare;
  bare.label = "bare";
  bare.here = {0.5, 80};
  PageInputs inputs;
  inputs.analyses = {bare};
  const PageSection section = flatness_section(inputs);
  ASSERT_EQ(section.figures.size(), 1u);  // its clean loss
  EXPECT_EQ(section.figures[0].id, "measures");
}

TEST(PageAnalyses, LossesThatAreNoNumberAreUnknown) {
  PageInputs inputs;
  inputs.analyses = {example_analysis("one", 2)};
  inputs.analyses[0].landscape.lines[0][0].loss = std::nan("");
  const PageSection section = flatness_section(inputs);
  EXPECT_EQ(column(figure(section, "slices"), "loss").at(0), nullptr);
}

TEST(PageAnalyses, APageHoldsTwelvePlanesAndSaysWhatItLeavesOut) {
  PageInputs inputs;
  for (int i = 0; i < 12; ++i) {
    inputs.analyses.push_back(example_analysis("n" + std::to_string(i), 1));
  }
  PageSection section = flatness_section(inputs);
  EXPECT_THAT(figure(section, "plane").caption, Not(HasSubstr("left out")));
  inputs.analyses.push_back(example_analysis("last", 1));
  section = flatness_section(inputs);
  EXPECT_EQ(figure(section, "plane").options["surfaces"].size(), 12u);
  EXPECT_THAT(figure(section, "plane").caption, HasSubstr("1 more networks are left out"));
}

}  // namespace
}  // namespace flatenn
