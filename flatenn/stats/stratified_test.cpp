#include "flatenn/stats/stratified.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/stats/proportion.h"

namespace flatenn {
namespace {

using testing::ElementsAre;

// Newcombe's exact limits (1998, table I): 15 of 148 gives 0.0578 to 0.1617, 1 of 29 gives 0.0009
// to 0.1776. Combined by hand with weights 1/4 and 3/4 and no correction to speak of.
TEST(StratifiedProportion, TwoStrataByHand) {
  const std::vector<Stratum> strata = {{1'000'000'000, 148, 15}, {3'000'000'000, 29, 1}};
  const double p = 0.25 * 15 / 148 + 0.75 / 29;
  const Interval interval = stratified_proportion(strata);
  EXPECT_NEAR(interval.mean, p, 1e-12);
  EXPECT_EQ(interval.n, 177u);
  const double below = std::hypot(0.25 * (15.0 / 148 - 0.0578), 0.75 * (1.0 / 29 - 0.0009));
  const double above = std::hypot(0.25 * (0.1617 - 15.0 / 148), 0.75 * (0.1776 - 1.0 / 29));
  EXPECT_NEAR(interval.lo, p - below, 1e-4);
  EXPECT_NEAR(interval.hi, p + above, 1e-4);
}

TEST(StratifiedProportion, OneHugeStratumIsTheExactInterval) {
  const std::vector<Stratum> strata = {{std::numeric_limits<std::uint64_t>::max(), 200, 7}};
  const Interval exact = clopper_pearson_interval(7, 200), interval = stratified_proportion(strata);
  EXPECT_NEAR(interval.lo, exact.lo, 1e-12);
  EXPECT_NEAR(interval.hi, exact.hi, 1e-12);
  EXPECT_NEAR(interval.sd, exact.sd, 1e-12);
}

TEST(StratifiedProportion, NoSuccessKeepsAnUpperBound) {
  const std::vector<Stratum> strata = {{1'000'000, 100, 0}, {1'000'000, 100, 0}};
  const Interval interval = stratified_proportion(strata);
  EXPECT_EQ(interval.mean, 0);
  EXPECT_EQ(interval.lo, 0);
  EXPECT_NEAR(interval.hi, 0.0362 / std::sqrt(2), 1e-4);
}

TEST(StratifiedProportion, ACensusLeavesNoDoubt) {
  const std::vector<Stratum> strata = {{10, 10, 3}, {1, 1, 1}, {0, 0, 0}};
  const Interval interval = stratified_proportion(strata);
  EXPECT_NEAR(interval.lo, 4.0 / 11, 1e-15);
  EXPECT_NEAR(interval.mean, 4.0 / 11, 1e-15);
  EXPECT_NEAR(interval.hi, 4.0 / 11, 1e-15);
  // All but one of a hundred: the one left is worth a hundredth, whatever the formula would say.
  const Interval nearly = stratified_proportion(std::vector<Stratum>{{100, 99, 50}});
  EXPECT_GE(nearly.lo, 0.5 - 1e-15);
  EXPECT_LE(nearly.hi, 0.51 + 1e-15);
}

TEST(StratifiedProportion, AnUntriedStratumMayHoldAnything) {
  const Interval interval = stratified_proportion(std::vector<Stratum>{{90, 90, 9}, {10, 0, 0}});
  EXPECT_TRUE(std::isnan(interval.mean));
  EXPECT_NEAR(interval.lo, 0.09, 1e-12);
  EXPECT_NEAR(interval.hi, 0.19, 1e-12);
}

TEST(StratifiedProportion, MistakesAreRefused) {
  EXPECT_THROW(stratified_proportion({}), Error);
  EXPECT_THROW(stratified_proportion(std::vector<Stratum>{{0, 0, 0}}), Error);
  EXPECT_THROW(stratified_proportion(std::vector<Stratum>{{10, 11, 0}}), Error);
  EXPECT_THROW(stratified_proportion(std::vector<Stratum>{{10, 5, 6}}), Error);
  EXPECT_THROW(stratified_proportion(std::vector<Stratum>{{10, 5, 1}}, 1), Error);
}

TEST(StratifiedMean, OneHugeStratumIsTheTInterval) {
  const std::vector<double> samples = {1, 2, 3, 4, 5};
  const Interval t = t_interval(samples);
  const std::vector<MeasuredStratum> strata = {{1'000'000'000'000, Accumulator(samples)}};
  const Interval interval = stratified_mean(strata);
  EXPECT_NEAR(interval.lo, t.lo, 1e-9);
  EXPECT_NEAR(interval.hi, t.hi, 1e-9);
  EXPECT_NEAR(interval.sd, t.sd, 1e-9);
}

// By hand: weights 0.4 and 0.6, means 2 and 10, variances 1 and 4, n = 3 of 40 and 3 of 60.
// g = 0.16 * 37/40 / 3 = 0.049333, 0.36 * 57/60 * 4/3 = 0.456; freedom (0.505333)^2 /
// (0.049333^2 / 2 + 0.456^2 / 2) = 2.427758; t(0.975) there lies between 4.302653 (2) and 3.182446
// (3).
TEST(StratifiedMean, TwoStrataByHand) {
  const std::vector<double> low = {1, 2, 3}, high = {8, 10, 12};
  const Interval interval = stratified_mean(
      std::vector<MeasuredStratum>{{40, Accumulator(low)}, {60, Accumulator(high)}});
  EXPECT_NEAR(interval.mean, 6.8, 1e-12);
  const double half = interval.hi - interval.mean, error = std::sqrt(0.5053333333);
  EXPECT_GT(half, 3.182446 * error);
  EXPECT_LT(half, 4.302653 * error);
  EXPECT_NEAR(half, 3.653 * error, 0.02);
  EXPECT_NEAR(interval.mean - interval.lo, half, 1e-12);
}

TEST(StratifiedMean, FewSamplesAndCensus) {
  const std::vector<double> one = {3}, two = {1, 2};
  const auto of = [](std::uint64_t population, const std::vector<double>& samples) {
    return stratified_mean(
        std::vector<MeasuredStratum>{{population, Accumulator(samples)}, {2, Accumulator()}});
  };
  EXPECT_TRUE(std::isnan(of(10, two).mean));
  EXPECT_EQ(of(10, two).hi, INFINITY);
  const Interval single =
      stratified_mean(std::vector<MeasuredStratum>{{10, Accumulator(one)}, {2, Accumulator(two)}});
  EXPECT_FALSE(std::isnan(single.mean));
  EXPECT_EQ(single.lo, -INFINITY);
  const Interval census =
      stratified_mean(std::vector<MeasuredStratum>{{1, Accumulator(one)}, {2, Accumulator(two)}});
  EXPECT_NEAR(census.mean, 2, 1e-15);
  EXPECT_EQ(census.lo, census.hi);
  EXPECT_NEAR(census.sd, std::sqrt(2.0 / 3), 1e-12);
  EXPECT_THROW(stratified_mean({}), Error);
  EXPECT_THROW(stratified_mean(std::vector<MeasuredStratum>{{1, Accumulator(two)}}), Error);
}

TEST(Allocation, ByHand) {
  const std::vector<std::uint64_t> sizes = {100, 200, 700};
  EXPECT_THAT(proportional_allocation(sizes, 10), ElementsAre(1, 2, 7));
  EXPECT_THAT(proportional_allocation(sizes, 10, 3), ElementsAre(3, 3, 4));
  EXPECT_THAT(proportional_allocation(sizes, 1000), ElementsAre(100, 200, 700));
  // Weights 100 * 4, 200 * 1, 700 * 0.
  EXPECT_THAT(neyman_allocation(sizes, std::vector<double>{4, 1, 0}, 31, 1),
              ElementsAre(20, 10, 1));
  // Two trials against two would give 13.005, three against one 12.51.
  EXPECT_THAT(neyman_allocation(std::vector<std::uint64_t>{5, 1, 6},
                                std::vector<double>{0.9, 0, 0.4}, 5, 1),
              ElementsAre(3, 1, 1));
  // The weighty stratum is full; then the second; only then the one of deviation 0.
  EXPECT_THAT(neyman_allocation(sizes, std::vector<double>{4, 1e-9, 0}, 301, 0),
              ElementsAre(100, 200, 1));
  EXPECT_THAT(neyman_allocation(sizes, std::vector<double>{0, 0, 0}, 10, 0), ElementsAre(1, 2, 7));
  EXPECT_THAT(
      neyman_allocation(std::vector<std::uint64_t>{5, 0, 5}, std::vector<double>{1, 1, 1}, 4, 2),
      ElementsAre(2, 0, 2));
  EXPECT_TRUE(proportional_allocation({}, 0).empty());
}

TEST(Allocation, MistakesAreRefused) {
  const std::vector<std::uint64_t> sizes = {10, 20};
  EXPECT_THROW(proportional_allocation(sizes, 31), Error);
  EXPECT_THROW(proportional_allocation(sizes, 3, 2), Error);
  EXPECT_THROW(neyman_allocation(sizes, std::vector<double>{1}, 5), Error);
  EXPECT_THROW(neyman_allocation(sizes, std::vector<double>{1, -1}, 5), Error);
  EXPECT_THROW(neyman_allocation(sizes, std::vector<double>{1, NAN}, 5), Error);
  EXPECT_THROW(neyman_allocation(sizes, std::vector<double>{INFINITY, 1}, 5), Error);
  EXPECT_THROW(proportional_allocation(std::vector<std::uint64_t>{~0ull, 1}, 5), Error);
}

// Every allocation there is, compared: none has a smaller variance.
RC_GTEST_PROP(Allocation, IsTheIntegerOptimum, ()) {
  // At full size from the start; small cases of RapidCheck leave nothing to choose.
  const auto strata = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(1, 5));
  const auto sizes = *rc::gen::container<std::vector<std::uint64_t>>(
      strata, rc::gen::resize(100, rc::gen::inRange<std::uint64_t>(1, 9)));
  const auto tenths =
      *rc::gen::container<std::vector<int>>(strata, rc::gen::resize(100, rc::gen::inRange(0, 20)));
  std::vector<double> deviations;
  for (const int x : tenths) deviations.push_back(x / 10.0);
  const auto most = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  const auto total = *rc::gen::resize(100, rc::gen::inRange<std::uint64_t>(strata, most + 1));
  const auto variance = [&](const std::vector<std::uint64_t>& counts) {
    double sum = 0;
    for (std::size_t h = 0; h < strata; ++h) {
      sum += std::pow(double(sizes[h]) * deviations[h], 2) / double(counts[h]);
    }
    return sum;
  };
  double best = INFINITY;
  std::vector<std::uint64_t> tried(strata);
  const std::function<void(std::size_t, std::uint64_t)> every = [&](std::size_t h,
                                                                    std::uint64_t left) {
    if (h == strata) {
      if (left == 0) best = std::min(best, variance(tried));
      return;
    }
    for (tried[h] = 1; tried[h] <= std::min(sizes[h], left); ++tried[h])
      every(h + 1, left - tried[h]);
  };
  every(0, total);
  const std::vector<std::uint64_t> found = neyman_allocation(sizes, deviations, total);
  RC_ASSERT(std::accumulate(found.begin(), found.end(), std::uint64_t{0}) == total);
  for (std::size_t h = 0; h < strata; ++h) RC_ASSERT(1 <= found[h] && found[h] <= sizes[h]);
  RC_ASSERT(variance(found) <= best * (1 + 1e-12));
}

// Totals beyond counting out one by one: exact sums, and Neyman's real proportions.
TEST(Allocation, BillionsOfTrials) {
  const std::vector<std::uint64_t> sizes = {1ull << 62, 1ull << 61, 1ull << 10, 1ull << 62};
  const std::vector<double> deviations = {0.5, 0.1, 0.5, 0};
  for (const std::uint64_t total : {3'000'000'007ull, (1ull << 62) + (1ull << 61) + 5000}) {
    const auto counts = neyman_allocation(sizes, deviations, total, 2);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), total);
    for (std::size_t h = 0; h < sizes.size(); ++h) EXPECT_LE(counts[h], sizes[h]);
    // Optimal: no trial moved from one stratum to another would help.
    for (std::size_t from = 0; from < 2; ++from) {
      const std::size_t to = 1 - from;
      const double n = double(counts[from]), m = double(counts[to]);
      if (counts[to] == sizes[to]) continue;
      EXPECT_LE(double(sizes[to]) * deviations[to] / std::sqrt(m * (m + 1)),
                double(sizes[from]) * deviations[from] / std::sqrt(n * (n - 1)) * (1 + 1e-12));
    }
    if (total < 1ull << 40) {
      EXPECT_NEAR(double(counts[0]) / double(counts[1]), 10, 1e-6);
      EXPECT_EQ(counts[3], 2u);
    }
  }
}

TEST(Allocation, SmoothedDeviationIsNeverZero) {
  EXPECT_NEAR(smoothed_deviation(0, 0), 0.5, 1e-15);
  EXPECT_NEAR(smoothed_deviation(0, 98), std::sqrt(0.01 * 0.99), 1e-15);
  EXPECT_NEAR(smoothed_deviation(98, 98), std::sqrt(0.01 * 0.99), 1e-15);
  EXPECT_THROW(smoothed_deviation(2, 1), InternalError);
}

}  // namespace
}  // namespace flatenn
