#include "flatenn/study/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace flatenn {
namespace {

using nlohmann::json;
using testing::HasSubstr;

StudySummary example() {
  StudySummary summary;
  summary.data = {"fashion-mnist", "0123abc", "4567def"};
  summary.arms = {{"standard", 0, "", 91.5, 91.25, 40, "arms/standard-seed0/model.safetensors"},
                  {"sparse", 0, "", 90.5, 90, 86, "arms/sparse-seed0/model.safetensors"}};
  for (const double rate : {0.01, 0.05}) {
    const double loss = 200 * rate;
    CellAccuracies cell{FaultKind::flip, rate, {}};
    cell.arms.push_back({"standard", false, "", {91}, {{80 - loss, 82 - loss}}});
    cell.arms.push_back({"sparse", true, "", {89}, {{70 - loss, 71 - loss}}});
    for (const ArmAccuracies& arm : cell.arms) {
      const Interval interval = seed_averaged(arm);
      summary.faulty.push_back(
          {arm.name,
           0,
           2000,
           {FaultKind::flip, rate, 2, interval.mean, interval.sd, 0, 100, 30, 20.5}});
    }
    summary.cells.push_back(cell);
  }
  summary.chosen = 1;
  return summary;
}

std::set<std::string> keys(const json& object) {
  std::set<std::string> result;
  for (const auto& [key, value] : object.items()) result.insert(key);
  return result;
}

TEST(StudySummary, JsonHasTheAgreedFields) {
  const json all = json::parse(study_json(example()));
  EXPECT_EQ(keys(all), (std::set<std::string>{"data", "arms", "faulty", "claims", "claims_by_cell",
                                              "claims_on_drop", "claims_by_cell_on_drop"}));
  EXPECT_EQ(all["data"],
            json({{"name", "fashion-mnist"}, {"train", "0123abc"}, {"test", "4567def"}}));
  ASSERT_EQ(all["arms"].size(), 2u);
  EXPECT_EQ(keys(all["arms"][0]), (std::set<std::string>{"name", "seed", "metric", "clean_float",
                                                         "clean", "sparsity", "model"}));
  EXPECT_EQ(all["arms"][1]["sparsity"], 86.0);
  ASSERT_EQ(all["faulty"].size(), 4u);
  EXPECT_EQ(keys(all["faulty"][0]),
            (std::set<std::string>{"arm", "seed", "kind", "rate", "maps", "images", "mean", "sd",
                                   "lo", "hi", "bits_changed"}));
  EXPECT_EQ(all["faulty"][0]["kind"], "flip");
  EXPECT_EQ(all["faulty"][0]["bits_changed"], 20.5);
  ASSERT_EQ(all["claims"].size(), 1u);
  ASSERT_EQ(all["claims_by_cell"].size(), 2u);
  EXPECT_EQ(keys(all["claims"][0]), (std::set<std::string>{"id", "metric", "holds", "points", "lo",
                                                           "hi", "kind", "rate", "paper_points"}));
  EXPECT_EQ(all["claims"][0], all["claims_by_cell"][1]);
  EXPECT_EQ(all["claims"][0]["rate"], 0.05);
  EXPECT_EQ(all["claims"][0]["points"], 10.5);
  EXPECT_EQ(all["claims"][0]["paper_points"], 17.32);
  EXPECT_EQ(all["claims_on_drop"][0]["points"], 8.5);
  EXPECT_EQ(all["claims_by_cell_on_drop"].size(), 2u);
}

TEST(StudySummary, JsonHasNullWhereAnIntervalIsUnboundedOrAFigureUnknown) {
  StudySummary summary = example();
  for (CellAccuracies& cell : summary.cells) {
    for (ArmAccuracies& arm : cell.arms) arm.faulty[0].resize(1);
    cell.arms.push_back(cell.arms[1]);
    cell.arms.back().metric = "code";
  }
  const json all = json::parse(study_json(summary));
  EXPECT_TRUE(all["claims"][0]["lo"].is_null());
  EXPECT_FALSE(all["claims"][0]["holds"].get<bool>());
  const json& c4 = all["claims"].back();
  EXPECT_EQ(c4["id"], "C4");
  EXPECT_TRUE(c4["paper_points"].is_null());
}

TEST(StudySummary, TextShowsNetworksFaultsAndClaims) {
  const std::string text = study_text(example());
  EXPECT_THAT(text, HasSubstr("91.25"));
  EXPECT_THAT(text, HasSubstr("on 2000 test images"));
  EXPECT_THAT(text, HasSubstr("Claims at flip, rate 0.05"));
  EXPECT_THAT(text, HasSubstr("standard - sparse"));
  EXPECT_THAT(text, HasSubstr("hash of the training images 0123abc, of the test images 4567def"));
  EXPECT_THAT(text, HasSubstr("+10.50"));
  EXPECT_THAT(text, HasSubstr("17.32"));
  // Two maps 2 points apart, 79 -+ 12.71; bounds stay within 0 and 100.
  EXPECT_THAT(text, HasSubstr("66.29 to 91.71"));
  StudySummary wide = example();
  wide.cells[0].arms[0].faulty[0] = {60, 90};
  EXPECT_THAT(study_text(wide), HasSubstr("0.00 to 100.00"));
}

TEST(StudySummary, CsvHasARowAnItem) {
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(arms_csv(example())), 1 + 2);
  EXPECT_EQ(lines(faulty_csv(example())), 1 + 4);
  EXPECT_EQ(lines(claims_csv(example())), 1 + 4);
  EXPECT_THAT(claims_csv(example()), HasSubstr("C1,,drop,flip,0.05,true,"));
  EXPECT_THAT(claims_csv(example()), HasSubstr("C1,,accuracy,flip,0.01,false,"));
}

TEST(StudySummary, PictureHasALineAnArm) {
  const std::string svg = study_svg(example());
  EXPECT_THAT(svg, HasSubstr("<svg"));
  EXPECT_THAT(svg, HasSubstr("standard"));
  EXPECT_THAT(svg, HasSubstr("sparse"));
}

}  // namespace
}  // namespace flatenn
