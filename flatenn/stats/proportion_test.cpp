#include "flatenn/stats/proportion.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

// Newcombe, Statistics in Medicine 17 (1998), table I, 95 %: methods 3 (score) and 5 ("exact").
struct Published {
  std::uint64_t successes, trials;
  double wilson_lo, wilson_hi, exact_lo, exact_hi;
};
constexpr Published kNewcombe[] = {
    {81, 263, 0.2553, 0.3662, 0.2527, 0.3676},
    {15, 148, 0.0624, 0.1605, 0.0578, 0.1617},
    {0, 20, 0.0000, 0.1611, 0.0000, 0.1684},
    {1, 29, 0.0061, 0.1718, 0.0009, 0.1776},
};

TEST(Proportion, AgreesWithNewcombesTable) {
  for (const Published& row : kNewcombe) {
    const Interval wilson = wilson_interval(row.successes, row.trials);
    EXPECT_NEAR(wilson.lo, row.wilson_lo, 5.1e-5);
    EXPECT_NEAR(wilson.hi, row.wilson_hi, 5.1e-5);
    const Interval exact = clopper_pearson_interval(row.successes, row.trials);
    EXPECT_NEAR(exact.lo, row.exact_lo, 5.1e-5);
    EXPECT_NEAR(exact.hi, row.exact_hi, 5.1e-5);
  }
}

TEST(Proportion, NoTrialsSayNothing) {
  for (const Interval& interval : {wilson_interval(0, 0), clopper_pearson_interval(0, 0)}) {
    EXPECT_TRUE(std::isnan(interval.mean));
    EXPECT_EQ(interval.lo, 0);
    EXPECT_EQ(interval.hi, 1);
    EXPECT_EQ(interval.n, 0u);
  }
}

TEST(Proportion, MistakesAreRefused) {
  EXPECT_THROW(wilson_interval(2, 1), InternalError);
  EXPECT_THROW(clopper_pearson_interval(2, 1), InternalError);
  EXPECT_THROW(wilson_interval(1, 2, 1.0), Error);
  EXPECT_THROW(clopper_pearson_interval(1, 2, 0.0), Error);
}

RC_GTEST_PROP(Proportion, IntervalsHoldTheMeanAndMirror, ()) {
  const auto n = *rc::gen::inRange<std::uint64_t>(1, 100000);
  const auto k = *rc::gen::inRange<std::uint64_t>(0, n + 1);
  for (const auto method : {wilson_interval, clopper_pearson_interval}) {
    const Interval a = method(k, n, 0.95), b = method(n - k, n, 0.95);
    RC_ASSERT(0 <= a.lo && a.lo <= a.mean && a.mean <= a.hi && a.hi <= 1);
    RC_ASSERT(std::abs(a.lo - (1 - b.hi)) < 1e-9);
    RC_ASSERT(a.hi - a.lo < 3.0 / std::sqrt(static_cast<double>(n)));
  }
}

// The exact interval's promise: summed over all outcomes, its coverage is at least the stated one.
TEST(Proportion, ExactIntervalNeverCoversTooRarely) {
  constexpr std::uint64_t n = 17;
  for (double p = 0.02; p < 1; p += 0.02) {
    double coverage = 0, mass = std::pow(1 - p, double(n));
    for (std::uint64_t k = 0; k <= n; ++k) {
      const Interval interval = clopper_pearson_interval(k, n);
      if (interval.lo <= p && p <= interval.hi) coverage += mass;
      mass *= double(n - k) / double(k + 1) * p / (1 - p);
    }
    EXPECT_GE(coverage, 0.95) << p;
  }
}

}  // namespace
}  // namespace flatenn
