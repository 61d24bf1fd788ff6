#include "flatenn/analysis/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/base/error.h"

namespace flatenn {
namespace {

double value_of(const Analysis& analysis, std::string_view name, double rate = 0.01) {
  const std::vector<Measure> list = measures(analysis, FaultKind::flip, rate);
  const auto found = std::ranges::find(list, name, &Measure::name);
  if (found == list.end()) throw std::out_of_range(std::string(name));
  return found->value;
}

TEST(Results, PredictedRiseSumsOverCellsAndGrowsWithTheRate) {
  Analysis analysis;
  analysis.bits.push_back({"a", 0, 100, {{FaultKind::flip, 1, 0.01, 0.02, 0.005}}});
  analysis.bits.push_back({"b", 3, 10, {{FaultKind::flip, 1, -0.1, 0.2, 0}}});
  EXPECT_DOUBLE_EQ(predicted_rise(analysis, FaultKind::flip, 1), 100 * 0.015 - 10 * 0.1);
  EXPECT_DOUBLE_EQ(predicted_rise(analysis, FaultKind::flip, 0.1), 0.05);
  EXPECT_THROW(predicted_rise(analysis, FaultKind::stuck0, 0.1), Error);
}

TEST(Results, MeasuresComeInOneOrderAndFromTheirPlace) {
  const Analysis analysis = example_analysis("a", 2);
  const auto one = measures(analysis, FaultKind::flip, 0.01);
  const auto two = measures(example_analysis("b", 5), FaultKind::stuck1, 0.05);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].name, two[i].name);
  EXPECT_EQ(value_of(analysis, "top eigenvalue"), 2);
  EXPECT_EQ(value_of(analysis, "top eigenvalue x |w|^2"), 2 * 9);
  EXPECT_EQ(value_of(analysis, "clean loss"), analysis.here.loss);
  EXPECT_DOUBLE_EQ(value_of(analysis, "activation sparsity"), (80 * 10 + 50 * 30) / 40.0);
  EXPECT_DOUBLE_EQ(value_of(analysis, "predicted rise by bits", 0.02),
                   2 * value_of(analysis, "predicted rise by bits", 0.01));
}

TEST(Results, MeanSquareOfCodesIsThatOfAllCodes) {
  // (4 * 1 + 1 * 2 + 0 * 5) of 8 codes and (9 * 3 + 16 * 1) of 4: 49 of 12. Offsets do not count.
  const std::vector<CodeHistogram> histograms = {{"a", -2, {1, 2, 5}, 0.5f, 0},
                                                 {"b", 3, {3, 1}, 2, 1}};
  EXPECT_DOUBLE_EQ(mean_square_code(histograms), 49.0 / 12);
  EXPECT_TRUE(std::isnan(mean_square_code({})));
  // As a measure it is negative: the larger the measure, the less robust.
  Analysis analysis;
  analysis.histograms = histograms;
  EXPECT_DOUBLE_EQ(value_of(analysis, "negative mean square of codes"), -49.0 / 12);
}

TEST(Results, TheLinesRiseIsReadAtHalfTheWay) {
  const Analysis analysis = example_analysis("a", 2);
  // Lines rise by curvature * x^2 from the clean loss.
  EXPECT_NEAR(value_of(analysis, "rise along lines at 0.5"), 2 * 0.25, 1e-12);
}

TEST(Results, WhatWasNotMeasuredIsNoMeasure) {
  Analysis bare;
  bare.here = {0.5, 80};
  EXPECT_THAT(measures(bare, FaultKind::flip, 0.01),
              testing::ElementsAre(testing::Field(&Measure::name, "clean loss")));
}

}  // namespace
}  // namespace flatenn
