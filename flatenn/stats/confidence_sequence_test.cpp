#include "flatenn/stats/confidence_sequence.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

/// Both gamblers' halves of the capital at m, written down once more from the paper, in logarithms
/// throughout and without mirroring; the larger of the two.
double log_capital(const std::vector<double>& x, double m, double alpha = 0.05) {
  constexpr double c = 0.75;
  double sum = 0.5, squares = 0.25, up = std::log(0.5), down = std::log(0.5);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = double(i) + 1;
    const double bet = std::sqrt(2 * std::log(2 / alpha) / (squares / t * t * std::log(t + 1)));
    up += std::log1p(std::min(bet, c / m) * (x[i] - m));
    down += std::log1p(-std::min(bet, c / (1 - m)) * (x[i] - m));
    sum += x[i];
    squares += std::pow(x[i] - sum / (t + 1), 2);
  }
  return std::max(up, down);
}

std::vector<double> near_normal(std::uint64_t seed, std::size_t n) {
  std::vector<double> samples;
  RandomStream stream(seed, Purpose::test, 0);
  while (samples.size() < n) {
    samples.push_back(std::clamp(0.7 + 0.1 * stream.normal(), 0.0, 1.0));
  }
  return samples;
}

// By a separate program on a grid of 1/20000.
TEST(ConfidenceSequence, AgreesWithAGridSearch) {
  std::vector<double> smooth, coin;
  for (int i = 1; i <= 40; ++i) smooth.push_back(0.5 + 0.3 * std::sin(i));
  for (int i = 0; i < 60; ++i) coin.push_back(i % 3 ? 1 : 0);
  const Interval a = confidence_sequence(smooth, 0, 1);
  EXPECT_NEAR(a.lo, 0.4157, 6e-5);
  EXPECT_NEAR(a.hi, 0.60945, 6e-5);
  const Interval b = confidence_sequence(coin, 0, 1);
  EXPECT_NEAR(b.lo, 0.43845, 6e-5);
  EXPECT_NEAR(b.hi, 0.83445, 6e-5);
}

RC_GTEST_PROP(ConfidenceSequence, IsExactlyWhatNoGamblerHasRuledOut, ()) {
  const auto n = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, 150));
  const auto raw =
      *rc::gen::container<std::vector<int>>(n, rc::gen::resize(100, rc::gen::inRange(0, 101)));
  std::vector<double> x;
  for (const int v : raw) x.push_back(v / 100.0);
  const Interval interval = confidence_sequence(x, 0, 1);
  const double target = std::log(20);
  const bool holds_mean =
      x.empty() || log_capital(x, std::clamp(interval.mean, 1e-6, 1 - 1e-6)) < target - 1e-6;
  RC_PRE(holds_mean);  // otherwise the interval is widened, see below
  for (double m = 0.005; m < 1; m += 0.01) {
    const double capital = log_capital(x, m);
    if (std::abs(capital - target) < 1e-6) continue;
    RC_ASSERT((capital < target) == (interval.lo <= m && m <= interval.hi));
  }
}

TEST(ConfidenceSequence, FewAndExtremeSamples) {
  const Interval none = confidence_sequence({}, -1, 3);
  EXPECT_EQ(none.lo, -1);
  EXPECT_EQ(none.hi, 3);
  EXPECT_TRUE(std::isnan(none.mean));
  const Interval one = confidence_sequence(std::vector<double>{0.5}, 0, 1);
  EXPECT_EQ(one.lo, 0);
  EXPECT_EQ(one.hi, 1);
  // All at a bound: still an interval, and a mirrored one at the other bound.
  const Interval bottom = confidence_sequence(std::vector<double>(50, 0.0), 0, 1);
  const Interval top = confidence_sequence(std::vector<double>(50, 1.0), 0, 1);
  EXPECT_EQ(bottom.lo, 0);
  EXPECT_GT(bottom.hi, 3.0 / 50);  // an exact binomial bound has about 3.7 / n
  EXPECT_LT(bottom.hi, 0.25);
  EXPECT_EQ(top.hi, 1);
  EXPECT_NEAR(top.lo, 1 - bottom.hi, 1e-9);
  const Interval equal = confidence_sequence(std::vector<double>(200, 0.5), 0, 1);
  EXPECT_LT(equal.lo, 0.5);
  EXPECT_GT(equal.hi, 0.5);
}

TEST(ConfidenceSequence, MovesWithTheScale) {
  const std::vector<double> samples = near_normal(3, 100);
  std::vector<double> percent;
  for (const double x : samples) percent.push_back(100 * x);
  const Interval one = confidence_sequence(samples, 0, 1);
  const Interval hundred = confidence_sequence(percent, 0, 100);
  EXPECT_NEAR(hundred.lo, 100 * one.lo, 1e-8);
  EXPECT_NEAR(hundred.hi, 100 * one.hi, 1e-8);
  const Interval surer = confidence_sequence(samples, 0, 1, 0.999);
  EXPECT_LT(surer.lo, one.lo);
  EXPECT_GT(surer.hi, one.hi);
}

TEST(ConfidenceSequence, LooksIntersect) {
  const std::vector<double> samples = near_normal(4, 300);
  const std::vector<std::uint64_t> looks = {16, 16, 48, 120, 300};
  double lo = 0, hi = 1;
  for (const std::uint64_t n : looks) {
    const Interval look = confidence_sequence(std::span(samples).first(n), 0, 1);
    lo = std::max(lo, look.lo);
    hi = std::min(hi, look.hi);
  }
  const Interval running = running_confidence_sequence(samples, looks, 0, 1);
  EXPECT_NEAR(running.lo, lo, 1e-11);
  EXPECT_NEAR(running.hi, hi, 1e-11);
  EXPECT_EQ(running.n, 300u);
  EXPECT_EQ(running_confidence_sequence(samples, std::vector<std::uint64_t>{100}, 0, 1).n, 100u);
  const std::vector<std::uint64_t> descending = {100, 50}, beyond = {301};
  EXPECT_THROW(running_confidence_sequence(samples, descending, 0, 1), InternalError);
  EXPECT_THROW(running_confidence_sequence(samples, beyond, 0, 1), InternalError);
}

// Samples that are no independent draws: first all 0, then all 1. Every mean is ruled out at one of
// the looks; the interval still makes sense.
TEST(ConfidenceSequence, NothingLeftStillHoldsTheMean) {
  std::vector<double> samples(200, 0.0);
  samples.resize(5000, 1.0);
  const std::vector<std::uint64_t> looks = {200, 5000};
  const Interval first = confidence_sequence(std::span(samples).first(200), 0, 1);
  const Interval last = confidence_sequence(samples, 0, 1);
  ASSERT_LT(first.hi, last.lo);
  const Interval running = running_confidence_sequence(samples, looks, 0, 1);
  EXPECT_LE(running.lo, running.mean);
  EXPECT_GE(running.hi, running.mean);
  EXPECT_LE(running.lo, first.hi);
  EXPECT_GE(running.hi, last.lo);
}

TEST(ConfidenceSequence, MistakesAreRefused) {
  const std::vector<double> samples = {0.5, 1.2};
  EXPECT_THROW(confidence_sequence(samples, 0, 1), Error);
  EXPECT_THROW(confidence_sequence(samples, 2, 0), Error);
  EXPECT_THROW(confidence_sequence(samples, 0, 2, 1), Error);
  EXPECT_THROW(confidence_sequence(std::vector<double>{NAN}, 0, 1), Error);
  EXPECT_THROW(confidence_sequence(samples, 0, INFINITY), Error);
}

/// Half width of the predictable plug-in empirical Bernstein sequence of the same paper (theorem
/// 2).
double empirical_bernstein_half_width(const std::vector<double>& x, double alpha) {
  double sum = 0.5, squares = 0.25, mean = 0.5, bets = 0, charge = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = double(i) + 1;
    const double bet =
        std::min(0.75, std::sqrt(2 * std::log(2 / alpha) / (squares / t * t * std::log(t + 1))));
    charge += 4 * std::pow(x[i] - mean, 2) * (-std::log(1 - bet) - bet) / 4;
    bets += bet;
    sum += x[i];
    mean = sum / (t + 1);
    squares += std::pow(x[i] - mean, 2);
  }
  return (std::log(2 / alpha) + charge) / bets;
}

// What the freedom to look costs, and what betting saves against the closed form.
TEST(ConfidenceSequence, WidthOnTypicalOutcomes) {
  const std::vector<double> all = near_normal(5, 1000);
  double previous = 1;
  for (const std::size_t n : {50u, 100u, 1000u}) {
    const std::vector<double> samples(all.begin(), all.begin() + long(n));
    const Interval interval = confidence_sequence(samples, 0, 1), t = t_interval(samples);
    const double half = (interval.hi - interval.lo) / 2, t_half = (t.hi - t.lo) / 2;
    RecordProperty("betting" + std::to_string(n), std::to_string(half));
    RecordProperty("bernstein" + std::to_string(n),
                   std::to_string(empirical_bernstein_half_width(samples, 0.05)));
    RecordProperty("t" + std::to_string(n), std::to_string(t_half));
    EXPECT_LT(half, (n < 1000 ? 0.7 : 0.9) * empirical_bernstein_half_width(samples, 0.05)) << n;
    EXPECT_GT(half, t_half) << n;
    EXPECT_LT(half, 4 * t_half) << n;
    EXPECT_LT(half, previous) << n;
    previous = half;
  }
}

TEST(NextLook, IsAFixedListOfMultiplesOfEight) {
  std::vector<std::uint64_t> looks;
  for (std::uint64_t n = 0; looks.size() < 16; n = looks.back()) looks.push_back(next_look(n));
  EXPECT_EQ(looks, (std::vector<std::uint64_t>{16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112,
                                               120, 136, 152}));
  std::uint64_t look = 16;
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t next = next_look(look);
    EXPECT_EQ(next_look(next - 1), next);
    EXPECT_EQ(next_look(look + 1), next);
    EXPECT_EQ(next % 8, 0u);
    EXPECT_NEAR(double(next) / double(look), 1.1, look > 200 ? 0.02 : 0.4);
    look = next;
  }
  EXPECT_GT(next_look((std::uint64_t{1} << 60) - 1), (std::uint64_t{1} << 60) - 1);
  EXPECT_THROW(next_look(std::uint64_t{1} << 60), InternalError);
}

TEST(Decided, ByTheHalfWidth) {
  EXPECT_TRUE(decided({0.5, 0.1, 0.25, 0.75, 10}, 0.25));
  EXPECT_FALSE(decided({0.5, 0.1, 0.25, 0.75, 10}, 0.24));
  EXPECT_FALSE(decided({NAN, NAN, -INFINITY, INFINITY, 0}, 1e300));
  EXPECT_THROW(decided({}, 0), Error);
  EXPECT_THROW(decided({}, NAN), Error);
}

}  // namespace
}  // namespace flatenn
