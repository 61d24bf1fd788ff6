#include "flatenn/report/analysis_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/analysis/example_testing.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AnalysisText, AColumnANetworkARowAMeasure) {
  const std::string text = analysis_text({example_analysis("one", 2), example_analysis("two", 3)});
  EXPECT_THAT(text, HasSubstr("one"));
  EXPECT_THAT(text, testing::ContainsRegex("Hessian eigenvalue 1 +2 +3\n"));
  EXPECT_THAT(text, testing::ContainsRegex("zeros of act1, % +80 +80\n"));
  EXPECT_THAT(text, HasSubstr("bit 3"));
  EXPECT_THAT(text, HasSubstr("200 images of synthetic (test)"));
  EXPECT_THAT(text, HasSubstr("double backward"));
}

TEST(AnalysisText, WhatOneNetworkLacksIsADash) {
  Analysis bare = example_analysis("bare", 2);
  bare.distances.clear();
  const std::string text = analysis_text({bare, example_analysis("two", 3)});
  EXPECT_THAT(text, testing::ContainsRegex("distance from start, fc.weight +- +0.4\n"));
  EXPECT_EQ(analysis_text({}), "no analyses\n");
}

TEST(AnalysisText, CsvHasARowAFigure) {
  const std::string csv = analysis_csv({example_analysis("a,b", 2)});
  EXPECT_THAT(csv, testing::StartsWith("label,measure,value\n"));
  EXPECT_THAT(csv, HasSubstr("\"a,b\",Hessian eigenvalue 1,2\n"));
}

TEST(AnalysisText, TheStudySaysWhatForetellsAndWhatDoesNot) {
  StudyAnalysis study;
  study.networks = {{"a", 0, example_analysis("a", 1)}, {"b", 0, example_analysis("b", 2)}};
  study.correlations = {
      {"trace",
       FaultKind::flip,
       0.1,
       {0.9, std::nan(""), 0.5, 0.99, 6},
       {0.8, 0.1, 0.2, 1, 2},
       0.01},
      {"margin",
       FaultKind::flip,
       0.1,
       {-0.2, std::nan(""), -0.8, 0.6, 6},
       {-0.1, 0, -1, 1, 2},
       0.7},
      {"flat", FaultKind::flip, 0.1, {std::nan(""), std::nan(""), -1, 1, 6}, {}, 1}};
  study.best = "trace";
  study.best_mean = 0.9;
  study.rankings = {{"a", "layers", FaultKind::flip, 0.05, {}, {0.7, 0, 0.1, 0.9, 5}}};
  const std::string text = study_analysis_text(study);
  EXPECT_THAT(text, HasSubstr("Best: trace, +0.90 on average."));
  EXPECT_THAT(text, testing::ContainsRegex("trace +\\+0.90 +\\+0.80 +0.0100"));
  EXPECT_THAT(text, testing::ContainsRegex("margin +-0.20"));
  EXPECT_LT(text.find("trace"), text.find("margin"));
  EXPECT_THAT(text, HasSubstr("+0.70 [+0.10, +0.90]"));
  EXPECT_THAT(study_analysis_text({}), HasSubstr("No measure could be correlated."));
}

TEST(AnalysisText, CostsAreInGradientPassesOverTheSameImages) {
  const Analysis analysis = example_analysis("a", 1);  // 200 images, 100 of curvature, 32 samples
  EXPECT_EQ(
      cost_text(analysis, {2, 2.5, 0.8, 80}),
      "a: bit sensitivity of first order took 1.25 times one gradient pass (200 images, 2 s); "
      "of second order 100 times one on its 100 images (0.8 s), 32 products with the Hessian");
  EXPECT_THAT(cost_text(analysis, {2, 2.5, 0, 0}), Not(HasSubstr("second")));
}

}  // namespace
}  // namespace flatenn
