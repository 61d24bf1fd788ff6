#include "flatenn/stats/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2: ZARR13.DAT, N = 195, mean 9.261460,
// deviation 0.022789; 95 % interval 9.258242 to 9.264679. Two values with the same mean and
// deviation stand for the data.
TEST(Interval, NistHandbookExample) {
  const double mean = 9.261460, sd = 0.022789;
  Accumulator a;
  a.add(mean);
  const double step = sd;  // 194 of 195 samples at this distance: the variance is sd^2
  for (int i = 0; i < 97; ++i) {
    a.add(mean + step);
    a.add(mean - step);
  }
  ASSERT_EQ(a.count(), 195u);
  ASSERT_NEAR(a.deviation(), sd, 1e-9);
  const Interval interval = t_interval(a);
  EXPECT_NEAR(interval.lo, 9.258242, 2e-6);
  EXPECT_NEAR(interval.hi, 9.264679, 2e-6);
}

// Student's table: t(0.975, 4) = 2.776445, t(0.995, 4) = 4.604095.
TEST(Interval, FiveSamplesByTheTable) {
  const std::vector<double> samples = {1, 2, 3, 4, 5};
  const double standard_error = std::sqrt(2.5 / 5);
  const Interval ninety_five = t_interval(samples);
  EXPECT_EQ(ninety_five.mean, 3);
  EXPECT_EQ(ninety_five.n, 5u);
  EXPECT_NEAR(ninety_five.hi - 3, 2.776445 * standard_error, 1e-6);
  EXPECT_NEAR(3 - ninety_five.lo, 2.776445 * standard_error, 1e-6);
  EXPECT_NEAR(t_interval(samples, 0.99).hi - 3, 4.604095 * standard_error, 1e-6);
}

TEST(Interval, TooFewSamplesAreUnbounded) {
  const Interval none = t_interval(std::vector<double>{});
  EXPECT_EQ(none.n, 0u);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_EQ(none.lo, -INFINITY);
  const Interval one = t_interval(std::vector<double>{7});
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isnan(one.sd));
  EXPECT_EQ(one.lo, -INFINITY);
  EXPECT_EQ(one.hi, INFINITY);
}

TEST(Interval, EqualSamplesHaveWidthZero) {
  const Interval interval = t_interval(std::vector<double>{0.1, 0.1, 0.1});
  EXPECT_EQ(interval.sd, 0);
  EXPECT_EQ(interval.lo, 0.1);
  EXPECT_EQ(interval.hi, 0.1);
}

TEST(Interval, PairingTakesOutWhatIsCommon) {
  const std::vector<double> a = {10.1, 50.2, 90.3}, b = {10, 50, 90};
  const Interval interval = paired_interval(a, b);
  EXPECT_NEAR(interval.mean, 0.2, 1e-12);
  EXPECT_NEAR(interval.sd, 0.1, 1e-12);
  EXPECT_NEAR(interval.hi, 0.2 + 4.302653 * 0.1 / std::sqrt(3), 1e-6);
  EXPECT_THROW(paired_interval(a, std::vector<double>{1}), InternalError);
}

TEST(Interval, ConfidenceMustBeAShare) {
  const std::vector<double> samples = {1, 2};
  EXPECT_THROW(t_interval(samples, 0), Error);
  EXPECT_THROW(t_interval(samples, 1), Error);
  EXPECT_THROW(t_interval(samples, 95), Error);
  EXPECT_THROW(t_interval(samples, NAN), Error);
}

// The promise itself: of many intervals from normal samples, the stated share holds the true mean.
TEST(Interval, CoversAtTheStatedRate) {
  constexpr int trials = 4000;
  int covered = 0;
  for (int i = 0; i < trials; ++i) {
    RandomStream stream(1, Purpose::test, static_cast<std::uint64_t>(i));
    Accumulator a;
    for (int k = 0; k < 4; ++k) a.add(5 + 2 * stream.normal());
    const Interval interval = t_interval(a, 0.9);
    covered += interval.lo <= 5 && 5 <= interval.hi;
  }
  EXPECT_NEAR(covered, 0.9 * trials, 4 * std::sqrt(trials * 0.9 * 0.1));
}

// By hand: 0, 0, 0, 4 has mean 1, mean square 3 and mean cube (27 - 3) / 4 = 6.
TEST(Skewness, ByHand) {
  EXPECT_NEAR(skewness(std::vector<double>{0, 0, 0, 4}), 6 / std::pow(3, 1.5), 1e-12);
  EXPECT_NEAR(skewness(std::vector<double>{0, 0, 0, -4}), -6 / std::pow(3, 1.5), 1e-12);
  EXPECT_EQ(skewness(std::vector<double>{1, 2, 3}), 0);
  EXPECT_EQ(skewness(std::vector<double>{0.1, 0.1, 0.1}), 0);
  EXPECT_TRUE(std::isnan(skewness({})));
  EXPECT_TRUE(std::isnan(skewness(std::vector<double>{1, NAN})));
}

// k of n maps collapsed: the skewness is (1 - 2q) / sqrt(q (1 - q)), q = k / n, so the rule asks
// for k (1 - q) >= 25 (1 - 2q)^2: of a thousand maps, 24 (23.4 against 22.6), not 23 (22.5, 22.8).
TEST(NormalEnough, TwoValuedOutcomesByCochransRule) {
  for (const int collapsed : {0, 1, 10, 23, 24, 200, 500}) {
    std::vector<double> samples(1000, 0.9);
    for (int i = 0; i < collapsed; ++i) samples[std::size_t(i)] = 0.1;
    EXPECT_EQ(normal_enough(samples), collapsed == 0 || collapsed >= 24) << collapsed;
  }
}

TEST(NormalEnough, FewSamplesAreNot) {
  EXPECT_FALSE(normal_enough({}));
  EXPECT_FALSE(normal_enough(std::vector<double>{1}));
  EXPECT_TRUE(normal_enough(std::vector<double>{1, 2}));
  EXPECT_FALSE(normal_enough(std::vector<double>{1, 1, 1, 1, 2}));
  EXPECT_FALSE(normal_enough(std::vector<double>{1, 2, NAN}));
}

}  // namespace
}  // namespace flatenn
