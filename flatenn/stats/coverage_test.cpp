// The promises of all intervals, kept or broken: how often they hold the true value. The figures
// are in docs/statistics.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/stats/bootstrap.h"
#include "flatenn/stats/confidence_sequence.h"
#include "flatenn/stats/interval.h"
#include "flatenn/stats/proportion.h"
#include "flatenn/stats/stratified.h"

namespace flatenn {
namespace {

/// Accuracies of fault maps from a known law.
struct Outcomes {
  const char* name;
  double mean;
  std::function<double(RandomStream&)> draw;
};

const Outcomes kNearNormal = {"near normal", 0.6, [](RandomStream& s) {
                                return std::clamp(0.6 + 0.1 * s.normal(), 0.2, 1.0);
                              }};

/// Accuracy 0.9 but for a share of maps that fall to 0.1.
Outcomes collapsing(double share) {
  return {"collapsing", 0.9 - 0.8 * share, [share](RandomStream& s) {
            const bool collapsed = s.uniform() < share;
            return collapsed ? 0.1 : std::clamp(0.9 + 0.01 * s.normal(), 0.8, 1.0);
          }};
}

std::vector<double> draw(const Outcomes& outcomes, std::uint64_t trial, std::size_t n) {
  RandomStream stream(31, Purpose::test, trial);
  std::vector<double> samples(n);
  for (double& x : samples) x = outcomes.draw(stream);
  return samples;
}

double coverage(const Outcomes& outcomes, std::size_t n, int trials,
                const std::function<Interval(const std::vector<double>&)>& method) {
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const Interval interval = method(draw(outcomes, std::uint64_t(trial), n));
    covered += interval.lo <= outcomes.mean && outcomes.mean <= interval.hi;
  }
  const double share = double(covered) / trials;
  static int figure = 0;
  testing::Test::RecordProperty(
      "coverage" + std::to_string(++figure),
      std::string(outcomes.name) + ", n = " + std::to_string(n) + ": " + std::to_string(share));
  return share;
}

Interval by_t(const std::vector<double>& samples) { return t_interval(samples); }

Interval by_bootstrap(const std::vector<double>& samples) {
  return bootstrap_interval(samples, 0, 1, {0.95, 999, 1, 2});
}

/// The intersection over a look after every single trial holds the mean only if all of them do.
Interval by_looking_always(const std::vector<double>& samples) {
  std::vector<std::uint64_t> looks(samples.size());
  std::iota(looks.begin(), looks.end(), std::uint64_t{1});
  return running_confidence_sequence(samples, looks, 0, 1);
}

/// Exact coverage at p: the sum over all outcomes k of n, intervals[k] holding p.
double binomial_coverage(const std::vector<Interval>& intervals, double p) {
  const double n = double(intervals.size() - 1);
  double sum = 0;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    if (!(intervals[i].lo <= p && p <= intervals[i].hi)) continue;
    const double k = double(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(p) + (n - k) * std::log1p(-p));
  }
  return sum;
}

TEST(SlowCoverage, ProportionsOverAllOutcomes) {
  for (const std::uint64_t n : {10u, 50u, 200u, 1000u}) {
    std::vector<Interval> wilson, exact;
    for (std::uint64_t k = 0; k <= n; ++k) {
      wilson.push_back(wilson_interval(k, n));
      exact.push_back(clopper_pearson_interval(k, n));
    }
    double wilson_sum = 0, wilson_least = 1, exact_sum = 0, exact_least = 1;
    constexpr int points = 499;
    for (int i = 1; i <= points; ++i) {
      const double p = double(i) / (points + 1);
      const double w = binomial_coverage(wilson, p), e = binomial_coverage(exact, p);
      wilson_sum += w / points;
      exact_sum += e / points;
      wilson_least = std::min(wilson_least, w);
      exact_least = std::min(exact_least, e);
    }
    EXPECT_GE(exact_least, 0.95 - 1e-12) << n;
    EXPECT_GE(wilson_sum, 0.94) << n;
    EXPECT_LE(wilson_sum, 0.97) << n;
    EXPECT_LT(wilson_least, 0.95) << n;  // its promise is about the average only
    RecordProperty("n" + std::to_string(n), "Wilson " + std::to_string(wilson_sum) + ", least " +
                                                std::to_string(wilson_least) + "; exact " +
                                                std::to_string(exact_sum) + ", least " +
                                                std::to_string(exact_least));
  }
}

TEST(SlowCoverage, TAndBootstrapOnNearNormalOutcomes) {
  for (const std::size_t n : {10u, 50u}) {
    const double t = coverage(kNearNormal, n, 4000, by_t);
    EXPECT_GE(t, 0.93) << n;
    EXPECT_LE(t, 0.97) << n;
    const double bootstrap = coverage(kNearNormal, n, 4000, by_bootstrap);
    EXPECT_GE(bootstrap, 0.93) << n;
    EXPECT_LE(bootstrap, 0.97) << n;
  }
}

TEST(SlowCoverage, ConfidenceSequenceLookingAfterEveryTrial) {
  EXPECT_GE(coverage(kNearNormal, 300, 1000, by_looking_always), 0.95);
  for (const double share : {0.002, 0.02, 0.2}) {
    EXPECT_GE(coverage(collapsing(share), 300, 1000, by_looking_always), 0.95) << share;
  }
  const Outcomes rare = {"one in fifty", 0.02,
                         [](RandomStream& s) { return s.uniform() < 0.02 ? 1.0 : 0.0; }};
  EXPECT_GE(coverage(rare, 300, 1000, by_looking_always), 0.95);
}

// The plain sequence, without the intersection (and its widening to the sample mean): how many
// campaigns are wrong at any look.
TEST(SlowCoverage, ConfidenceSequenceIsRarelyWrongAtAnyLook) {
  for (const Outcomes& outcomes : {kNearNormal, collapsing(0.2)}) {
    constexpr int trials = 600;
    int wrong = 0;
    for (std::uint64_t trial = 0; trial < trials; ++trial) {
      const std::vector<double> samples = draw(outcomes, trial, 120);
      bool missed = false;
      for (std::size_t n = 1; n <= samples.size() && !missed; ++n) {
        const Interval look = confidence_sequence(std::span(samples).first(n), 0, 1);
        missed = outcomes.mean < look.lo || look.hi < outcomes.mean;
      }
      wrong += missed;
    }
    RecordProperty(std::string("wrong_") + outcomes.name, std::to_string(double(wrong) / trials));
    EXPECT_LE(wrong, 0.05 * trials) << outcomes.name;
    EXPECT_GT(wrong, 0) << outcomes.name;  // an interval that is never wrong is too wide
  }
}

// What looking costs those who do it with the wrong interval: t is valid at one count, chosen
// before.
TEST(SlowCoverage, TWhileLookingBreaksItsPromise) {
  const auto any_look = [](const std::vector<double>& samples) {
    Interval all = by_t(samples);
    for (std::uint64_t n = next_look(0); n <= samples.size(); n = next_look(n)) {
      const Interval look = t_interval(std::span(samples).first(n));
      all.lo = std::max(all.lo, look.lo);
      all.hi = std::min(all.hi, look.hi);
    }
    return all;
  };
  EXPECT_LT(coverage(kNearNormal, 1000, 2000, any_look), 0.85);
}

// One map in fifty collapses. Where none of the maps tried is one (36 % of campaigns of 50 maps),
// t and bootstrap are sure of a mean that is wrong by 0.016, and nothing in the samples says so.
TEST(SlowCoverage, RareCollapsesBreakTAndBootstrap) {
  const Outcomes outcomes = collapsing(0.02);
  EXPECT_LT(coverage(outcomes, 50, 4000, by_t), 0.70);
  const double bootstrap = coverage(outcomes, 50, 4000, by_bootstrap);
  EXPECT_LT(bootstrap, 0.70);
  EXPECT_GE(coverage(outcomes, 50, 1000, by_looking_always), 0.95);
  // With a few collapses seen the bootstrap mends what t does not.
  const double t_later = coverage(outcomes, 200, 4000, by_t);
  const double bootstrap_later = coverage(outcomes, 200, 1000, by_bootstrap);
  EXPECT_LT(t_later, 0.93);
  EXPECT_GT(bootstrap_later, t_later);
  // Cochran's rule warns wherever a collapse was seen, and only there.
  int warned = 0, seen = 0;
  for (std::uint64_t trial = 0; trial < 1000; ++trial) {
    const std::vector<double> samples = draw(outcomes, trial, 50);
    const bool collapsed = *std::min_element(samples.begin(), samples.end()) < 0.5;
    seen += collapsed;
    warned += collapsed && !normal_enough(samples);
  }
  EXPECT_EQ(warned, seen);
}

/// A draw of n out of a population with `successes` among its members, without replacement.
std::uint64_t hypergeometric(RandomStream& stream, std::uint64_t population,
                             std::uint64_t successes, std::uint64_t n) {
  std::uint64_t k = 0;
  for (std::uint64_t i = 0; i < n; ++i) k += stream.below(population - i) < successes - k;
  return k;
}

// Bits of four kinds, from almost harmless to critical, two samplings of each.
TEST(SlowCoverage, StratifiedProportionWithRareSuccesses) {
  constexpr std::uint64_t sizes[] = {40000, 20000, 2000, 500}, critical[] = {8, 60, 100, 250};
  const double truth = (8 + 60 + 100 + 250) / 62500.0;
  for (const std::uint64_t n : {50u, 400u}) {
    constexpr int trials = 4000;
    int covered = 0, by_formula = 0;
    for (int trial = 0; trial < trials; ++trial) {
      RandomStream stream(37, Purpose::test, std::uint64_t(trial), n);
      std::vector<Stratum> strata;
      double variance = 0;
      for (std::size_t h = 0; h < 4; ++h) {
        const std::uint64_t k = hypergeometric(stream, sizes[h], critical[h], n);
        strata.push_back({sizes[h], n, k});
        const double p = double(k) / double(n), weight = double(sizes[h]) / 62500;
        variance += weight * weight * (1 - double(n) / double(sizes[h])) * p * (1 - p) / double(n);
      }
      const Interval interval = stratified_proportion(strata);
      covered += interval.lo <= truth && truth <= interval.hi;
      by_formula += std::abs(interval.mean - truth) <= 1.959964 * std::sqrt(variance);
    }
    RecordProperty("stratified" + std::to_string(n), std::to_string(double(covered) / trials));
    RecordProperty("formula" + std::to_string(n), std::to_string(double(by_formula) / trials));
    EXPECT_GE(double(covered) / trials, 0.94) << n;
    EXPECT_LT(double(by_formula) / trials, 0.90) << n;  // a stratum with k = 0 counts as certain
  }
}

}  // namespace
}  // namespace flatenn
