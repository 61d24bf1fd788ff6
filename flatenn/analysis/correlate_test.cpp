#include "flatenn/analysis/correlate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Six networks of two seeds; the curvier lose more.
std::vector<StudyAnalysis::Network> networks() {
  std::vector<StudyAnalysis::Network> list;
  for (int i = 0; i < 6; ++i) {
    const std::string arm = "arm" + std::to_string(i % 3);
    list.push_back(
        {arm, static_cast<std::uint64_t>(i / 3), example_analysis(arm, 1 + i % 3 + 0.1 * (i / 3))});
  }
  return list;
}

LossCell losses_like_curvature(double sign) {
  LossCell cell{FaultKind::flip, 0.01, {}};
  for (const auto& network : networks()) {
    cell.lost.push_back(sign * network.analysis.curvature.eigenvalues[0]);
  }
  return cell;
}

const Correlation& of(const std::vector<Correlation>& list, std::string_view measure) {
  const auto found = std::ranges::find(list, measure, &Correlation::measure);
  if (found == list.end()) throw std::out_of_range(std::string(measure));
  return *found;
}

TEST(Correlate, MeasuresThatRiseWithTheLosses) {
  const std::vector<LossCell> cells{losses_like_curvature(1)};
  const auto list = correlate(networks(), cells);
  const Correlation& trace = of(list, "Hessian trace");
  EXPECT_DOUBLE_EQ(trace.all.mean, 1);
  EXPECT_EQ(trace.all.n, 6u);
  EXPECT_DOUBLE_EQ(trace.within.mean, 1);
  EXPECT_EQ(trace.within.n, 2u);
  EXPECT_EQ(trace.kind, FaultKind::flip);
  EXPECT_EQ(trace.rate, 0.01);
  // Three networks a seed in one order: 1 of 36 pairs of orders is so, 2 with the contrary.
  EXPECT_NEAR(trace.p, 2.0 / 36, 0.02);
  // All clean losses are equal: nothing to rank.
  EXPECT_TRUE(std::isnan(of(list, "clean loss").all.mean));
  EXPECT_EQ(of(list, "clean loss").p, 1);
}

TEST(Correlate, TheContraryIsSaidAsPlainly) {
  const std::vector<LossCell> cells{losses_like_curvature(-1)};
  EXPECT_DOUBLE_EQ(of(correlate(networks(), cells), "top eigenvalue").all.mean, -1);
}

TEST(Correlate, AMeasureThatIsNoNumberSaysNothing) {
  auto list = networks();
  list[2].analysis.flatness.worst = std::nan("");
  const std::vector<LossCell> cells{losses_like_curvature(1)};
  const auto correlations = correlate(list, cells);
  EXPECT_EQ(std::ranges::count(correlations, "worst rise in balls", &Correlation::measure), 0);
  EXPECT_EQ(std::ranges::count(correlations, "top eigenvalue", &Correlation::measure), 1);
}

TEST(Correlate, OtherSettingsAreRefused) {
  auto list = networks();
  list[1].analysis.sharpness.pop_back();
  const std::vector<LossCell> cells{losses_like_curvature(1)};
  EXPECT_THROW(correlate(list, cells), Error);
}

TEST(Correlate, BestIsTheLargestMeanOverCells) {
  StudyAnalysis study;
  study.correlations = {{"a", FaultKind::flip, 0.1, {0.9, 0, 0, 1, 6}, {}, 1},
                        {"a", FaultKind::flip, 0.2, {0.1, 0, 0, 1, 6}, {}, 1},
                        {"b", FaultKind::flip, 0.1, {0.6, 0, 0, 1, 6}, {}, 1},
                        {"b", FaultKind::flip, 0.2, {std::nan(""), 0, 0, 1, 6}, {}, 1}};
  choose_best(study);
  EXPECT_EQ(study.best, "b");
  EXPECT_DOUBLE_EQ(study.best_mean, 0.6);
  study.correlations.clear();
  choose_best(study);
  EXPECT_EQ(study.best, "");
}

TEST(Correlate, PredictionsByLayerAndByPositionAddUpToTheWhole) {
  const Analysis analysis = example_analysis("a", 2);
  const double whole = predicted_rise(analysis, FaultKind::flip, 0.01);
  const auto layers = predicted_layers(analysis, FaultKind::flip, 0.01);
  const auto positions = predicted_positions(analysis, FaultKind::flip, 0.01);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "conv.weight");
  ASSERT_EQ(positions.size(), 4u);
  EXPECT_EQ(positions[0].name, "bit 0");
  const auto sum = [](const std::vector<Ranking::Part>& parts) {
    double total = 0;
    for (const Ranking::Part& part : parts) total += part.predicted;
    return total;
  };
  EXPECT_NEAR(sum(layers), whole, 1e-12);
  EXPECT_NEAR(sum(positions), whole, 1e-12);
  EXPECT_GT(positions[3].predicted, positions[2].predicted);
}

}  // namespace
}  // namespace flatenn
