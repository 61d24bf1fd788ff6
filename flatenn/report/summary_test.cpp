#include "flatenn/report/summary.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

TEST(SummarizeCells, MeansSpreadsAndIntervalsOverMaps) {
  // Accuracies 40, 50, 60 %: mean 50, sd 10, t(2) = 4.30265, half width 24.841.
  const auto cells = summarize_cells({{FaultKind::flip, 0.1, 0, 80, 10, 8, 30},
                                      {FaultKind::flip, 0.1, 2, 120, 12, 10, 40},
                                      {FaultKind::flip, 0.1, 1, 100, 14, 12, 80}},
                                     200);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].maps, 3u);
  EXPECT_NEAR(cells[0].mean, 50, 1e-12);
  EXPECT_NEAR(cells[0].sd, 10, 1e-12);
  EXPECT_NEAR(cells[0].lo, 50 - 24.84138, 1e-4);
  EXPECT_NEAR(cells[0].hi, 50 + 24.84138, 1e-4);
  EXPECT_NEAR(cells[0].faulty_bits, 12, 1e-12);
  EXPECT_NEAR(cells[0].changed_bits, 10, 1e-12);
  EXPECT_NEAR(cells[0].answers_changed, 50, 1e-12);
}

TEST(SummarizeCells, OrdersByKindAndRateAndCountsTheAskedMaps) {
  const std::vector<Trial> trials = {{FaultKind::stuck1, 0.1, 0, 1, 0, 0},
                                     {FaultKind::flip, 0.2, 0, 2, 0, 0},
                                     {FaultKind::flip, 0.1, 0, 3, 0, 0},
                                     {FaultKind::flip, 0.1, 10'000, 4, 0, 0}};
  const auto cells = summarize_cells(trials, 100);
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0].rate, 0.1);
  EXPECT_EQ(cells[0].maps, 2u);
  EXPECT_EQ(cells[1].rate, 0.2);
  EXPECT_EQ(cells[2].kind, FaultKind::stuck1);
  const auto late = summarize_cells(trials, 100, {10'000, 20'000});
  ASSERT_EQ(late.size(), 1u);
  EXPECT_NEAR(late[0].mean, 4, 1e-12);
}

TEST(SummarizeCells, ACollapsedMapIsWarnedOf) {
  std::vector<Trial> trials;
  for (std::uint64_t map = 0; map < 50; ++map) {
    trials.push_back({FaultKind::flip, 0.1, map, 90 + map % 3, 0, 0});
  }
  EXPECT_FALSE(summarize_cells(trials, 100)[0].few_decide);
  trials[7].correct = 10;
  const CellSummary cell = summarize_cells(trials, 100)[0];
  EXPECT_TRUE(cell.few_decide);
  EXPECT_LT(cell.anytime_lo, cell.lo);
  EXPECT_LT(cell.mean, cell.anytime_hi);
}

TEST(SummarizeCells, TheSequenceFollowsTheIdsOfMaps) {
  std::vector<Trial> trials;
  for (std::uint64_t map = 0; map < 40; ++map) {
    trials.push_back({FaultKind::flip, 0.1, map, map * 2, 0, 0});
  }
  const CellSummary forward = summarize_cells(trials, 100)[0];
  std::ranges::reverse(trials);
  const CellSummary backward = summarize_cells(trials, 100)[0];
  EXPECT_EQ(forward.anytime_lo, backward.anytime_lo);
  EXPECT_EQ(forward.anytime_hi, backward.anytime_hi);
}

TEST(Summarize, SingleBitsComeByLayerAndPosition) {
  const SubjectSummary summary =
      summarize(single_bit_subject("fc.weight 4x2", 100), {{FaultKind::flip, 0, 3, 80, 1, 1, 12}});
  ASSERT_EQ(summary.single_bits.size(), 1u);
  EXPECT_EQ(summary.single_bits[0].strata[1].critical, 1u);
}

TEST(Summarize, WhatIsCriticalIsAChoice) {
  const Subject subject = single_bit_subject("fc.weight 4x2", 100);
  const double loss = summarize(subject, {{FaultKind::flip, 0, 3, 80, 1, 1, 12}})
                          .single_bits[0]
                          .strata[1]
                          .worst_loss;
  for (const auto& [points, critical] : {std::pair{loss - 0.5, 1u}, {loss, 0u}}) {
    const SubjectSummary summary =
        summarize(subject, {{FaultKind::flip, 0, 3, 80, 1, 1, 12}}, {}, points);
    EXPECT_EQ(summary.single_bits[0].critical_points, points);
    EXPECT_EQ(summary.single_bits[0].strata[1].critical, critical);
  }
}

TEST(SummarizeCells, OneMapSaysNothingAboutTheSpread) {
  const auto cells = summarize_cells({{FaultKind::flip, 0.1, 0, 50, 0, 0}}, 100);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].lo, 0);
  EXPECT_EQ(cells[0].hi, 100);
  EXPECT_EQ(cells[0].sd, 0);
}

TEST(SummarizeCells, IntervalsStayWithinTheScale) {
  const auto cells = summarize_cells(
      {{FaultKind::flip, 0.1, 0, 0, 0, 0}, {FaultKind::flip, 0.1, 1, 100, 0, 0}}, 100);
  EXPECT_EQ(cells[0].lo, 0);
  EXPECT_EQ(cells[0].hi, 100);
}

TEST(Summarize, CleanAccuracyHasItsInterval) {
  Subject subject;
  subject.images = 1000;
  subject.clean_correct = 900;
  const SubjectSummary summary = summarize(subject, {});
  EXPECT_NEAR(summary.clean, 90, 1e-12);
  EXPECT_NEAR(summary.clean_lo, 87.98480, 1e-5);
  EXPECT_NEAR(summary.clean_hi, 91.70906, 1e-5);
  EXPECT_TRUE(summary.cells.empty());
}

}  // namespace
}  // namespace flatenn
