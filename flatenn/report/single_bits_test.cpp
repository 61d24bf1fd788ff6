#include "flatenn/report/single_bits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

/// Two tensors of three 2-bit codes and of one: eight cells.
Subject subject() { return single_bit_subject("a.weight 3x2, b.weight 1x2", 200); }

Trial trial(std::uint64_t cell, std::uint64_t correct, std::uint64_t changed) {
  return {FaultKind::flip, 0, cell, correct, 1, 1, changed};
}

TEST(SingleBits, SortsOutcomesByTensorAndPosition) {
  // Cells 0, 2, 4 are bit 0 of a; 1, 3, 5 bit 1; 6 and 7 bits 0 and 1 of b.
  const std::vector<Trial> trials = {trial(0, 180, 0), trial(1, 170, 12), trial(2, 180, 2),
                                     trial(3, 179, 1), trial(6, 181, 1),  trial(7, 100, 90)};
  const std::vector<SingleBitSummary> all = summarize_single_bits(subject(), trials, 1);
  ASSERT_EQ(all.size(), 1u);
  const std::vector<BitOutcomes>& strata = all[0].strata;
  ASSERT_EQ(strata.size(), 4u);
  EXPECT_EQ(strata[0].tensor, "a.weight");
  EXPECT_EQ(strata[0].cells, 3u);
  EXPECT_EQ(strata[0].trials, 2u);
  EXPECT_EQ(strata[0].masked, 1u);
  EXPECT_EQ(strata[0].critical, 0u);
  EXPECT_EQ(strata[1].critical, 1u);  // 5 points, the other half a point
  EXPECT_DOUBLE_EQ(strata[1].mean_loss, 2.75);
  EXPECT_DOUBLE_EQ(strata[1].worst_loss, 5);
  EXPECT_EQ(strata[3].tensor, "b.weight");
  EXPECT_EQ(strata[3].bit, 1);
  EXPECT_DOUBLE_EQ(strata[2].worst_loss, -0.5);
  // b was tried in full: nothing is left to estimate.
  EXPECT_EQ(strata[3].critical_share.lo, 100);
  EXPECT_EQ(strata[2].critical_share.hi, 0);
  EXPECT_GT(strata[0].critical_share.hi, 50);
  // (3 * 1/2 + 1) / 8 critical; (3 * 1/2 + 3 + 1 + 1) / 8 change answers.
  EXPECT_DOUBLE_EQ(all[0].critical_share.mean, 31.25);
  EXPECT_DOUBLE_EQ(all[0].changed_share.mean, 81.25);
}

TEST(SingleBits, TheThresholdOfCriticalIsAParameter) {
  const std::vector<Trial> trials = {trial(1, 170, 12)};
  EXPECT_EQ(summarize_single_bits(subject(), trials, 4.9)[0].strata[1].critical, 1u);
  EXPECT_EQ(summarize_single_bits(subject(), trials, 5)[0].strata[1].critical, 0u);
}

TEST(SingleBits, OnlyExposedPositionsHaveARow) {
  Subject top = subject();
  top.exposure = "*:1";
  const auto all = summarize_single_bits(top, {trial(1, 170, 12)}, 1);
  EXPECT_EQ(all[0].strata.size(), 2u);
  EXPECT_THROW(summarize_single_bits(top, {trial(0, 170, 12)}, 1), Error);
  EXPECT_THROW(summarize_single_bits(top, {trial(8, 170, 12)}, 1), Error);
  top.layout = "nonsense";
  EXPECT_THROW(summarize_single_bits(top, {trial(1, 170, 12)}, 1), Error);
}

TEST(SingleBits, TextAndJsonSayTheSame) {
  const auto all = summarize_single_bits(subject(), {trial(7, 100, 90)}, 1);
  EXPECT_THAT(single_bits_text(all), testing::HasSubstr("flip, one cell at a time"));
  EXPECT_THAT(single_bits_text(all), testing::HasSubstr("b.weight"));
  const auto json = single_bits_json(all);
  EXPECT_EQ(json[0]["kind"], "flip");
  EXPECT_EQ(json[0]["strata"][3]["critical"], 1);
  EXPECT_EQ(json[0]["strata"][3]["worst_loss"], 40.0);
  // Strata without trials: nothing is known of the whole.
  EXPECT_TRUE(json[0]["critical"].is_number() && std::isnan(json[0]["critical"].get<double>()));
}

}  // namespace
}  // namespace flatenn
