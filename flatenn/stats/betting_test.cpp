#include "flatenn/stats/betting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

/// Samples until a side is shown, at most `most`.
MeanTest run(double value, double level, std::uint64_t most, const std::function<double()>& draw) {
  MeanTest test(value, level);
  while (test.side() == MeanSide::open && test.count() < most) test.add(draw());
  return test;
}

TEST(MeanTest, CapitalsByHand) {
  // The first bet is 0. Then d = 0.25 / 2, v = (0.01 + 0.125^2) / 2, d / (v + d^2) = 4.39 over the
  // limit 0.75 / 0.5: the second factor is 1 + 1.5 * 0.25 = 1.375, and 1 / 0.73 < 1.375 < 1 / 0.72.
  MeanTest easy(0.5, 0.73), hard(0.5, 0.72);
  for (MeanTest* test : {&easy, &hard}) {
    test->add(0.75);
    EXPECT_EQ(test->side(), MeanSide::open);
    test->add(0.75);
  }
  EXPECT_EQ(easy.side(), MeanSide::above);
  EXPECT_EQ(hard.side(), MeanSide::open);
  EXPECT_EQ(hard.mean(), 0.75);
}

TEST(MeanTest, SidesAreMirrorImages) {
  RandomStream stream(1, Purpose::test, 0);
  MeanTest test(0.3, 0.001), mirror(0.7, 0.001);
  for (int i = 0; i < 400; ++i) {
    const double x = std::clamp(0.36 + 0.1 * stream.normal(), 0.0, 1.0);
    test.add(x);
    mirror.add(1 - x);
    ASSERT_EQ(test.side() == MeanSide::above, mirror.side() == MeanSide::below) << i;
  }
  EXPECT_EQ(test.side(), MeanSide::above);
}

TEST(MeanTest, NeedsWhatItsHeaderSays) {
  // A constant 0.01 above and below 0.9.
  const double level = 0.001, expected_above = std::log(1 / level) * 0.9 / (0.75 * 0.01);
  const MeanTest above = run(0.9, level, 10000, [] { return 0.91; });
  EXPECT_EQ(above.side(), MeanSide::above);
  EXPECT_GT(static_cast<double>(above.count()), expected_above);
  EXPECT_LT(static_cast<double>(above.count()), 1.2 * expected_above);
  const MeanTest below = run(0.9, level, 10000, [] { return 0.89; });
  EXPECT_EQ(below.side(), MeanSide::below);
  EXPECT_LT(static_cast<double>(below.count()), 1.4 * expected_above / 9);
}

TEST(MeanTest, NoSamplesAreFewerThanTheFewest) {
  for (const double best : {0.901, 0.91, 0.95, 1.0}) {
    const double fewest = fewest_above(0.9, 0.001, best);
    const auto count =
        static_cast<double>(run(0.9, 0.001, 1'000'000, [&] { return best; }).count());
    EXPECT_LE(fewest, count) << best;
    EXPECT_GE(fewest, 0.8 * count - 2) << best;
  }
  // By hand: ln(1000) / ln(1 + 0.75 * 0.1 / 0.9) = 86.3, and the first bets nothing.
  EXPECT_EQ(fewest_above(0.9, 0.001, 1), 88);
  EXPECT_EQ(fewest_above(0.9, 0.001, 0.9), std::numeric_limits<double>::infinity());
  EXPECT_THROW(fewest_above(0, 0.001, 1), Error);
  EXPECT_THROW(fewest_above(0.9, 1, 1), Error);
}

TEST(MeanTest, ForecastsWhenItWillKnow) {
  MeanTest test(0.9, 0.001);
  EXPECT_EQ(test.forecast(), std::numeric_limits<double>::infinity());
  while (test.count() < 200) test.add(0.91);
  const double forecast = test.forecast();
  const double truth = static_cast<double>(run(0.9, 0.001, 10000, [] { return 0.91; }).count());
  EXPECT_NEAR(forecast, truth, 0.15 * truth);
  while (test.side() == MeanSide::open) test.add(0.91);
  EXPECT_EQ(test.forecast(), truth);
}

TEST(MeanTest, AVerdictStays) {
  MeanTest test(0.5, 0.05);
  while (test.side() == MeanSide::open) test.add(0.9);
  for (int i = 0; i < 200; ++i) test.add(0.0);
  EXPECT_EQ(test.side(), MeanSide::above);
}

TEST(MeanTest, MistakesAreErrors) {
  EXPECT_THROW(MeanTest(0, 0.05), Error);
  EXPECT_THROW(MeanTest(1, 0.05), Error);
  EXPECT_THROW(MeanTest(0.5, 0), Error);
  EXPECT_THROW(MeanTest(0.5, 1), Error);
  MeanTest test(0.5, 0.05);
  EXPECT_THROW(test.add(1.01), Error);
  EXPECT_THROW(test.add(std::numeric_limits<double>::quiet_NaN()), Error);
}

// The mean IS the value, so that both verdicts are wrong: the worst case.
TEST(SlowMeanTest, IsRarelyWrongAtAnyLook) {
  struct Law {
    const char* name;
    double mean;
    std::function<double(RandomStream&)> draw;
  };
  const Law laws[] = {
      {"near normal", 0.9, [](RandomStream& s) { return 0.9 + 0.02 * (s.uniform() - 0.5); }},
      {"coins", 0.5, [](RandomStream& s) { return s.uniform() < 0.5 ? 1.0 : 0.0; }},
      {"one map in 200 collapses", 0.9 - 0.8 / 200,
       [](RandomStream& s) { return s.uniform() < 1 / 200.0 ? 0.1 : 0.9; }}};
  for (const Law& law : laws) {
    constexpr int trials = 1000;
    int wrong = 0;
    for (std::uint64_t trial = 0; trial < trials; ++trial) {
      RandomStream stream(5, Purpose::test, trial);
      const MeanTest test = run(law.mean, 0.05, 2000, [&] { return law.draw(stream); });
      wrong += test.side() != MeanSide::open;
    }
    RecordProperty(law.name, std::to_string(double(wrong) / trials));
    EXPECT_LE(wrong, 0.1 * trials) << law.name;  // two verdicts, 5 % each
    EXPECT_GT(wrong, 0) << law.name;             // a test that is never wrong is too timid
  }
}

}  // namespace
}  // namespace flatenn
