#include "flatenn/stats/bootstrap.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

/// The quantiles over all n^n resamples, each once, by plain formulas.
Interval enumerated(const std::vector<double>& x) {
  const std::size_t n = x.size();
  std::vector<std::size_t> pick(n, 0);
  std::vector<double> t;
  const double mean = Accumulator(x).mean();
  for (bool more = true; more;) {
    Accumulator resample;
    for (const std::size_t i : pick) resample.add(x[i]);
    const double distance = resample.mean() - mean;
    const double error = resample.deviation() / std::sqrt(double(n));
    t.push_back(error > 0 ? distance / error : distance > 0 ? INFINITY : -INFINITY);
    std::size_t place = 0;
    while (place < n && ++pick[place] == n) pick[place++] = 0;
    more = place < n;
  }
  std::sort(t.begin(), t.end());
  const double error = Accumulator(x).deviation() / std::sqrt(double(n));
  const auto at = [&](double share) { return t[std::size_t(share * double(t.size()))]; };
  return {mean, 0, mean - error * at(0.95), mean - error * at(0.05), n};
}

TEST(Bootstrap, MeetsTheQuantilesOfAllResamples) {
  const std::vector<double> samples = {0.71, 0.74, 0.69, 0.77, 0.52, 0.73};
  const Interval all = enumerated(samples);
  BootstrapOptions options;
  options.confidence = 0.9;
  options.resamples = 199999;
  const Interval drawn = bootstrap_interval(samples, 0, 1, options);
  EXPECT_NEAR(drawn.lo, all.lo, 0.004);
  EXPECT_NEAR(drawn.hi, all.hi, 0.002);
  EXPECT_EQ(drawn.mean, all.mean);
  // Skewed to the left: the end on that side is farther, which no symmetric interval has.
  EXPECT_GT(drawn.mean - drawn.lo, 2 * (drawn.hi - drawn.mean));
}

// With 39 resamples the quantiles at 95 % are the extremes, with 79 the second values.
TEST(Bootstrap, TheQuantilesAreTheStatedRanks) {
  const std::vector<double> x = {0.71, 0.74, 0.69, 0.77, 0.62, 0.73, 0.70, 0.75, 0.66, 0.72};
  const double mean = Accumulator(x).mean(), root = std::sqrt(double(x.size()));
  const double error = Accumulator(x).deviation() / root;
  for (const std::size_t rank : {1u, 2u}) {
    const std::size_t resamples = 40 * rank - 1;
    std::vector<double> t;
    for (std::size_t b = 0; b < resamples; ++b) {
      RandomStream stream(3, Purpose::bootstrap, 4, b);
      Accumulator resample;
      for (std::size_t i = 0; i < x.size(); ++i) resample.add(x[stream.below(x.size())]);
      t.push_back((resample.mean() - mean) / (resample.deviation() / root));
    }
    std::sort(t.begin(), t.end());
    const Interval interval = bootstrap_interval(x, 0, 1, {0.95, resamples, 3, 4});
    EXPECT_NEAR(interval.lo, mean - error * t[resamples - rank], 1e-12);
    EXPECT_NEAR(interval.hi, mean - error * t[rank - 1], 1e-12);
  }
}

TEST(Bootstrap, OneCollapseOpensTheInterval) {
  std::vector<double> samples;
  for (int i = 0; i < 49; ++i) samples.push_back(0.9 + 0.001 * (i % 5));
  samples.push_back(0.1);
  const Interval t = t_interval(samples), bootstrap = bootstrap_interval(samples, 0, 1);
  EXPECT_LT(bootstrap.lo, t.lo - 0.1);
  EXPECT_GE(bootstrap.lo, 0);
}

TEST(Bootstrap, FewOrEqualSamples) {
  for (const std::vector<double>& samples :
       {std::vector<double>{}, std::vector<double>{0.3}, std::vector<double>{0.3, 0.4}}) {
    const Interval interval = bootstrap_interval(samples, -1, 2);
    EXPECT_EQ(interval.lo, -1);
    EXPECT_EQ(interval.hi, 2);
    EXPECT_EQ(interval.n, samples.size());
  }
  for (const double x : {0.0, 0.1, 1.0}) {
    const Interval interval = bootstrap_interval(std::vector<double>(20, x), 0, 1);
    EXPECT_EQ(interval.lo, x);
    EXPECT_EQ(interval.hi, x);
  }
}

// A resample of three equal values comes up once in 27, more often than 1 in 40: on either side the
// quantile is infinite, not the 1e8 that rounding might leave.
TEST(Bootstrap, ResamplesOfEqualValuesAreInfinite) {
  const Interval interval = bootstrap_interval(std::vector<double>{0.1, 0.2, 0.7}, -1e99, 1e99);
  EXPECT_EQ(interval.lo, -1e99);
  EXPECT_EQ(interval.hi, 1e99);
}

TEST(Bootstrap, TheKeyIsTheResult) {
  const std::vector<double> samples = {0.1, 0.5, 0.2, 0.4, 0.9, 0.3, 0.35, 0.6};
  const auto keyed = [&](std::uint64_t seed, std::uint64_t index) {
    return bootstrap_interval(samples, 0, 1, {0.95, 1999, seed, index});
  };
  EXPECT_EQ(keyed(1, 2).lo, keyed(1, 2).lo);
  EXPECT_EQ(keyed(1, 2).hi, keyed(1, 2).hi);
  EXPECT_NE(keyed(1, 2).lo, keyed(1, 3).lo);
  EXPECT_NE(keyed(1, 2).lo, keyed(2, 2).lo);
}

TEST(Bootstrap, MistakesAreRefused) {
  const std::vector<double> samples = {0.1, 0.5};
  EXPECT_THROW(bootstrap_interval(samples, 0, 0.4), Error);
  EXPECT_THROW(bootstrap_interval(samples, 0, NAN), Error);
  EXPECT_THROW(bootstrap_interval(std::vector<double>{NAN}, 0, 1), Error);
  EXPECT_THROW(bootstrap_interval(samples, 0, 1, {1.0, 1999}), Error);
  EXPECT_THROW(bootstrap_interval(samples, 0, 1, {0.95, 38}), Error);
  EXPECT_NO_THROW(bootstrap_interval(samples, 0, 1, {0.95, 39}));
  EXPECT_THROW(bootstrap_interval(samples, 0, 1, {0.95, ~std::uint64_t{0}}), Error);
}

RC_GTEST_PROP(Bootstrap, HoldsTheMeanAndMovesWithTheScale, ()) {
  const auto raw = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1025));
  std::vector<double> samples, doubled;
  for (const int x : raw) {
    samples.push_back(x / 1024.0);
    doubled.push_back(x / 512.0);
  }
  const BootstrapOptions options{0.9, 199, 5, 6};
  const Interval one = bootstrap_interval(samples, 0, 1, options);
  const Interval two = bootstrap_interval(doubled, 0, 2, options);
  RC_ASSERT(0 <= one.lo && one.lo <= one.hi && one.hi <= 1);
  if (!raw.empty()) RC_ASSERT(one.lo <= one.mean && one.mean <= one.hi);
  RC_ASSERT(two.lo == 2 * one.lo);
  RC_ASSERT(two.hi == 2 * one.hi);
}

}  // namespace
}  // namespace flatenn
