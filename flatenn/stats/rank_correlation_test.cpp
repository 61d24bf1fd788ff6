#include "flatenn/stats/rank_correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(RankCorrelation, EqualValuesShareTheirRanks) {
  EXPECT_THAT(ranks(std::vector<double>{30, 10, 20, 10}), ElementsAre(4, 1.5, 3, 1.5));
  EXPECT_TRUE(ranks(std::vector<double>{}).empty());
  EXPECT_THROW(ranks(std::vector<double>{1, std::nan("")}), Error);
}

TEST(RankCorrelation, KnownCoefficients) {
  // scipy.stats.spearmanr of the same lists: -0.17575757..., and 0.8207826816681233 with ties.
  const std::vector<double> iq{106, 86, 100, 101, 99, 103, 97, 113, 112, 110};
  const std::vector<double> tv{7, 0, 27, 50, 28, 29, 20, 12, 6, 17};
  EXPECT_NEAR(spearman(iq, tv), -29.0 / 165, 1e-12);
  const std::vector<double> a{1, 2, 3, 4, 5}, b{5, 6, 7, 8, 7};
  EXPECT_NEAR(spearman(a, b), 0.8207826816681233, 1e-12);
}

TEST(RankCorrelation, NothingToCompareIsNaN) {
  EXPECT_TRUE(std::isnan(spearman(std::vector<double>{1}, std::vector<double>{2})));
  const std::vector<double> flat{2, 2, 2, 2}, rising{1, 2, 3, 4};
  EXPECT_TRUE(std::isnan(spearman(flat, rising)));
  const Interval interval = spearman_interval(flat, rising);
  EXPECT_EQ(interval.lo, -1);
  EXPECT_EQ(interval.hi, 1);
  EXPECT_EQ(spearman_interval(std::vector<double>{1, 2, 3}, std::vector<double>{1, 2, 3}).lo, -1);
}

TEST(RankCorrelation, IntervalHoldsTheCoefficientAndStaysInside) {
  const std::vector<double> a{1, 2, 3, 4, 5, 6, 7, 8}, b{2, 1, 4, 3, 6, 5, 8, 7};
  const Interval interval = spearman_interval(a, b);
  EXPECT_LT(interval.lo, interval.mean);
  EXPECT_GT(interval.hi, interval.mean);
  EXPECT_LT(interval.hi, 1);
  EXPECT_GT(interval.lo, 0);  // eight pairs nearly in order are no chance
  EXPECT_THROW(spearman_interval(a, b, 1), Error);
}

RC_GTEST_PROP(RankCorrelation, OnlyOrderCounts, (std::vector<int> values)) {
  RC_PRE(values.size() >= 2);
  std::vector<double> a, b, cubes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    a.push_back(values[i]);
    b.push_back(static_cast<double>(i % 3));
    cubes.push_back(std::pow(values[i], 3));
  }
  const double r = spearman(a, b);
  if (std::isnan(r)) return;
  RC_ASSERT(std::abs(spearman(cubes, b) - r) < 1e-12);
  RC_ASSERT(std::abs(spearman(b, a) - r) < 1e-12);
}

TEST(RankCorrelation, GroupsAreComparedWithinThemselves) {
  // Within each group rising together; between groups falling: only the former counts.
  const std::vector<PairGroup> groups{{{1, 2, 3}, {21, 22, 23}}, {{11, 12, 13}, {1, 2, 3}}};
  const Interval interval = grouped_spearman(groups);
  EXPECT_EQ(interval.mean, 1);
  EXPECT_EQ(interval.n, 2);
  const std::vector<double> a{1, 2, 3, 11, 12, 13}, b{21, 22, 23, 1, 2, 3};
  EXPECT_LT(spearman(a, b), 0);
}

TEST(RankCorrelation, ConstantGroupsDoNotCount) {
  const std::vector<PairGroup> groups{{{1, 1, 1}, {1, 2, 3}}, {{1, 2, 3}, {3, 2, 1}}};
  EXPECT_EQ(grouped_spearman(groups).n, 1);
  EXPECT_EQ(grouped_spearman(groups).mean, -1);
  EXPECT_EQ(grouped_spearman_p(std::vector<PairGroup>{groups[0]}, 99, 0, 0), 1);
}

TEST(RankCorrelation, PermutationsFindAssociationAndNoneWhereThereIsNone) {
  std::vector<PairGroup> linked(3), loose(3);
  for (std::size_t g = 0; g < 3; ++g) {
    RandomStream stream(1, Purpose::test, g);
    for (int i = 0; i < 6; ++i) {
      const double x = stream.normal();
      linked[g].a.push_back(x);
      linked[g].b.push_back(x + 0.1 * stream.normal());
      loose[g].a.push_back(x);
      loose[g].b.push_back(stream.normal());
    }
  }
  EXPECT_LE(grouped_spearman_p(linked, 999, 0, 0), 0.002);
  EXPECT_GE(grouped_spearman_p(loose, 999, 0, 0), 0.02);
}

/// The test's promise: p <= 0.1 in at most a tenth of the cases without association.
TEST(RankCorrelation, PermutationTestKeepsItsLevel) {
  constexpr int kCases = 600;
  int rejected = 0;
  for (int c = 0; c < kCases; ++c) {
    RandomStream stream(2, Purpose::test, static_cast<std::uint64_t>(c));
    std::vector<PairGroup> groups(2);
    for (PairGroup& group : groups) {
      for (int i = 0; i < 5; ++i) {
        group.a.push_back(stream.normal());
        group.b.push_back(stream.normal());
      }
    }
    rejected += grouped_spearman_p(groups, 99, 0, static_cast<std::uint64_t>(c)) <= 0.1;
  }
  EXPECT_NEAR(rejected / double{kCases}, 0.1, 0.04);
}

}  // namespace
}  // namespace flatenn
