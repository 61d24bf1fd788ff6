// Betting: on which side of a value does a mean lie? Looks after every sample, stops when it knows.
#pragma once

#include <cstdint>

namespace flatenn {

/// Where a mean has been shown to lie.
enum class MeanSide { open, above, below };

/// Sequential test of the mean of independent samples in [0, 1] against `value`, by betting
/// (Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B, 2023;
/// the bets are their approximate growth-optimal ones, "aGRAPA"). Two gamblers start with one unit;
/// one bets on a mean above the value, one below:
///
///     K+ = prod (1 + a_t (x_t - value)),   K- = prod (1 - b_t (x_t - value)),
///     a_t = clip(d / (v + d^2), 0, c / value),   b_t = clip(-d / (v + d^2), 0, c / (1 - value)),
///
/// d the distance of the mean so far from the value, v the variance so far, both with one imagined
/// sample at the value whose squared distance is 0.01; c = 3/4. If the mean is not above the value,
/// K+ is a supermartingale and ever reaches 1 / level with probability at most `level` (Ville),
/// whatever the distribution and however often one looks; K- likewise. So each wrong verdict has
/// probability at most `level`, and only one of the two can be wrong.
///
/// What it costs: with samples close around their mean, about log(1 / level) value / (c d) of them
/// to show that a mean lies d above the value, and (1 - value) in place of value for below. No test
/// without assumptions does much better: until then a share of d / value of samples at 0 could have
/// hidden. Only exactly rounded operations: the same bits on every machine.
class MeanTest {
 public:
  /// Throws Error unless 0 < value < 1 and 0 < level < 1.
  MeanTest(double value, double level);

  /// Once a side is shown it stays. Throws Error for a sample outside [0, 1].
  void add(double sample);

  MeanSide side() const { return side_; }
  std::uint64_t count() const { return count_; }
  /// Of the samples; the value itself before the first.
  double mean() const;

  /// Samples in all, about, at which a side will be shown if the true mean lies two standard errors
  /// further from the value than the samples' (a forecast for deciding what to give up; it
  /// carries no promise). Infinite when the samples lie at the value. count() once a side is shown.
  double forecast() const;

 private:
  struct Moments {
    double distance, variance;
  };
  Moments moments() const;
  double bet(double distance, double variance, double limit) const;

  double value_;
  double log_target_;
  double limit_above_, limit_below_;
  MeanSide side_ = MeanSide::open;
  std::uint64_t count_ = 0;
  double sum_ = 0;      ///< of distances from the value
  double squares_ = 0;  ///< of distances from the means of their time
  double log_above_ = 0, log_below_ = 0;
};

/// Fewer samples than this never show that a mean lies above the value when none of them exceeds
/// `best`: each multiplies K+ by 1 + c (best - value) / value at most, and the first one bets
/// nothing. Infinite unless best > value. Throws Error as MeanTest does.
double fewest_above(double value, double level, double best);

}  // namespace flatenn
