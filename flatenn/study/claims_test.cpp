#include "flatenn/study/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::IsEmpty;

/// Two seeds, three maps; SAQ in the code metric.
CellAccuracies example() {
  return {FaultKind::stuck0,
          0.02,
          {{"standard", false, "", {90, 92}, {{60, 62, 64}, {61, 63, 65}}},
           {"sparse", true, "", {88, 88}, {{50, 51, 52}, {50, 53, 56}}},
           {"standard-saq", false, "code", {89, 91}, {{70, 70, 70}, {60, 64, 68}}},
           {"sparse-saq", true, "code", {87, 86}, {{60.5, 62.5, 64.5}, {60.5, 62.5, 64.5}}}}};
}

Claim claim_of(const std::vector<Claim>& claims, const std::string& id) {
  for (const Claim& claim : claims) {
    if (claim.id == id) return claim;
  }
  ADD_FAILURE() << "no claim " << id;
  return {};
}

// t(0.975, 2) = 4.302653.
constexpr double kStudent = 4.302653;

TEST(Claims, FirstClaimByHand) {
  const Claim c1 = claim_of(judge_claims(example(), Basis::accuracy), "C1");
  // Seed 0: 10, 11, 12. Seed 1: 11, 10, 9. Seed-averaged: 10.5, 10.5, 10.5.
  EXPECT_DOUBLE_EQ(c1.points, 10.5);
  EXPECT_DOUBLE_EQ(c1.lo, 10.5);
  EXPECT_DOUBLE_EQ(c1.hi, 10.5);
  EXPECT_TRUE(c1.holds);
  EXPECT_EQ(c1.metric, "");
  EXPECT_EQ(c1.kind, FaultKind::stuck0);
  EXPECT_EQ(c1.rate, 0.02);
  EXPECT_EQ(c1.paper_points, 17.32);
}

TEST(Claims, IntervalOverMapsOfTheSeedAverage) {
  const Claim c2 = claim_of(judge_claims(example(), Basis::accuracy), "C2");
  // Seed 0: 10.5, 11.5, 12.5. Seed 1: 10.5, 9.5, 8.5. Average: 10.5 always.
  EXPECT_DOUBLE_EQ(c2.points, 10.5);
  EXPECT_EQ(c2.metric, "code");
  EXPECT_EQ(c2.paper_points, 36.71);
  const Claim c3 = claim_of(judge_claims(example(), Basis::accuracy), "C3");
  // Seed 0: 10, 8, 6. Seed 1: -1, 1, 3. Average: 4.5 always.
  EXPECT_DOUBLE_EQ(c3.points, 4.5);
  EXPECT_TRUE(c3.holds);
  CellAccuracies uneven = example();
  uneven.arms[2].faulty = {{70, 64, 67}, {60, 64, 68}};
  // Seed 0: 10, 2, 3. Seed 1: -1, 1, 3. Average: 4.5, 1.5, 3, deviation 1.5.
  const Claim c = claim_of(judge_claims(uneven, Basis::accuracy), "C3");
  EXPECT_DOUBLE_EQ(c.points, 3);
  EXPECT_NEAR(c.lo, 3 - kStudent * 1.5 / std::sqrt(3), 1e-5);
  EXPECT_NEAR(c.hi, 3 + kStudent * 1.5 / std::sqrt(3), 1e-5);
  EXPECT_FALSE(c.holds) << "the interval holds 0";
}

TEST(Claims, EverySeedMustHaveTheSign) {
  const Claim c4 = claim_of(judge_claims(example(), Basis::accuracy), "C4");
  // Seed 0: 0.5 always. Seed 1: -0.5 always. Average 0.
  EXPECT_DOUBLE_EQ(c4.points, 0);
  EXPECT_FALSE(c4.holds);
  EXPECT_EQ(c4.paper_points, std::nullopt);
  CellAccuracies stronger = example();
  for (double& x : stronger.arms[3].faulty[0]) x += 10;
  // The average is 5 without spread, but seed 1 still says -0.5.
  const Claim one_seed = claim_of(judge_claims(stronger, Basis::accuracy), "C4");
  EXPECT_DOUBLE_EQ(one_seed.lo, 5);
  EXPECT_FALSE(one_seed.holds);
}

TEST(Claims, OnDropsEachArmIsMeasuredFromItsOwnClean) {
  const std::vector<Claim> claims = judge_claims(example(), Basis::drop);
  // C1: 10, 11, 12 less 90 - 88; 11, 10, 9 less 92 - 88: average 10.5 - 3.
  EXPECT_DOUBLE_EQ(claim_of(claims, "C1").points, 7.5);
  // C4: 0.5 less 87 - 90; -0.5 less 86 - 92: 3.5 and 5.5.
  const Claim c4 = claim_of(claims, "C4");
  EXPECT_DOUBLE_EQ(c4.points, 4.5);
  EXPECT_TRUE(c4.holds);
}

TEST(Claims, OneMapProvesNothing) {
  CellAccuracies cell = example();
  for (ArmAccuracies& arm : cell.arms) {
    for (auto& maps : arm.faulty) maps.resize(1);
  }
  const Claim c1 = claim_of(judge_claims(cell, Basis::accuracy), "C1");
  EXPECT_EQ(c1.points, 10.5);
  EXPECT_EQ(c1.lo, -INFINITY);
  EXPECT_FALSE(c1.holds);
}

TEST(Claims, OnceForEachMetricAndOnlyWhatTheArmsAllow) {
  CellAccuracies cell = example();
  cell.arms.push_back(cell.arms[3]);
  cell.arms.back().metric = "weight";
  const std::vector<Claim> claims = judge_claims(cell, Basis::accuracy);
  std::vector<std::string> names;
  for (const Claim& claim : claims) names.push_back(claim.id + claim.metric);
  EXPECT_THAT(names,
              testing::ElementsAre("C1", "C2code", "C3code", "C4code", "C2weight", "C4weight"));
  cell.arms.resize(1);
  EXPECT_THAT(judge_claims(cell, Basis::accuracy), IsEmpty());
}

TEST(Claims, UnequalMapsAreABug) {
  CellAccuracies cell = example();
  cell.arms[1].faulty[0].pop_back();
  EXPECT_THROW(judge_claims(cell, Basis::accuracy), InternalError);
}

TEST(Claims, SentencesSayWhatIsCompared) {
  EXPECT_EQ(claim_sentence("C4"), "sparse SAQ - standard");
  EXPECT_THROW(claim_sentence("C5"), Error);
}

TEST(Claims, SeedAverage) {
  const Interval interval = seed_averaged(example().arms[0]);
  EXPECT_DOUBLE_EQ(interval.mean, 62.5);
  EXPECT_DOUBLE_EQ(interval.sd, 2);
  EXPECT_EQ(interval.n, 3u);
}

}  // namespace
}  // namespace flatenn
