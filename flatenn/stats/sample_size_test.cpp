#include "flatenn/stats/sample_size.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

// Krejcie and Morgan, Educational and Psychological Measurement 30 (1970), table 1: the same
// formula at 95 %, margin 0.05, p = 1/2.
TEST(SampleSize, KrejcieAndMorgansTable) {
  EXPECT_EQ(trials_for_margin(100, 0.05), 80u);
  EXPECT_EQ(trials_for_margin(1000, 0.05), 278u);
  EXPECT_EQ(trials_for_margin(10'000, 0.05), 370u);
  EXPECT_EQ(trials_for_margin(1'000'000, 0.05), 384u);
}

// By a separate program: 9512.30, 9601.03, 960364.70, 36637.15.
TEST(SampleSize, LargePopulationsAndSmallMargins) {
  EXPECT_EQ(trials_for_margin(1'000'000, 0.01), 9513u);
  EXPECT_EQ(trials_for_margin(35'200'000, 0.01), 9602u);
  EXPECT_EQ(trials_for_margin(std::numeric_limits<std::uint64_t>::max(), 0.001), 960365u);
  EXPECT_EQ(trials_for_margin(1'000'000, 0.001, 0.95, 0.01), 36638u);
  EXPECT_EQ(trials_for_margin(1, 0.1), 1u);
  EXPECT_EQ(trials_for_margin(2, 0.001), 2u);
  EXPECT_EQ(trials_for_margin(std::numeric_limits<std::uint64_t>::max(), 1e-300),
            std::numeric_limits<std::uint64_t>::max());
}

RC_GTEST_PROP(SampleSize, TheCountReachesTheMarginAndOneLessDoesNot, ()) {
  const auto population = *rc::gen::inRange<std::uint64_t>(2, 1'000'000);
  const double margin = *rc::gen::inRange(1, 500) / 1000.0;
  const std::uint64_t n = trials_for_margin(population, margin, 0.9, 0.3);
  RC_ASSERT(1 <= n && n <= population);
  RC_ASSERT(margin_of_trials(population, n, 0.9, 0.3) <= margin * (1 + 1e-9));
  if (n > 1) RC_ASSERT(margin_of_trials(population, n - 1, 0.9, 0.3) > margin * (1 - 1e-9));
}

TEST(SampleSize, MarginsByHand) {
  EXPECT_EQ(margin_of_trials(50, 50), 0);
  EXPECT_EQ(margin_of_trials(1, 1), 0);
  EXPECT_NEAR(margin_of_trials(101, 25), 1.959964 * 0.1 * std::sqrt(0.76), 1e-6);
}

TEST(SampleSize, MapsByTrial) {
  EXPECT_EQ(maps_for_half_width(1, 0.5), 18u);  // the normal count is 15.4
  EXPECT_EQ(maps_for_half_width(0, 0.5), 2u);
  EXPECT_EQ(maps_for_half_width(1, 100), 2u);
  EXPECT_EQ(maps_for_half_width(1, 8.98), 3u);  // two maps reach 8.985 = 12.7062 / sqrt 2
  for (const double sd : {0.3, 1.0, 7.0}) {
    std::uint64_t n = 2;
    while (two_sided_t(0.95, double(n - 1)) * sd / std::sqrt(double(n)) > 0.4) ++n;
    EXPECT_EQ(maps_for_half_width(sd, 0.4), n);
  }
}

TEST(SampleSize, MistakesAreRefused) {
  EXPECT_THROW(maps_for_half_width(-1, 1), Error);
  EXPECT_THROW(maps_for_half_width(NAN, 1), Error);
  EXPECT_THROW(maps_for_half_width(INFINITY, 1), Error);
  EXPECT_THROW(maps_for_half_width(1, 0), Error);
  EXPECT_THROW(maps_for_half_width(1, NAN), Error);
  EXPECT_THROW(maps_for_half_width(1, 1e-9), Error);
  EXPECT_THROW(maps_for_half_width(1, 1e-320), Error);
  EXPECT_THROW(maps_for_half_width(1, 1, 1), Error);
  EXPECT_THROW(trials_for_margin(0, 0.1), Error);
  EXPECT_THROW(trials_for_margin(10, 0), Error);
  EXPECT_THROW(trials_for_margin(10, 1), Error);
  EXPECT_THROW(trials_for_margin(10, 0.1, 95), Error);
  EXPECT_THROW(trials_for_margin(10, 0.1, 0.95, 0), Error);
  EXPECT_THROW(trials_for_margin(10, 0.1, 0.95, NAN), Error);
  EXPECT_THROW(margin_of_trials(10, 0), Error);
  EXPECT_THROW(margin_of_trials(10, 11), Error);
}

}  // namespace
}  // namespace flatenn
