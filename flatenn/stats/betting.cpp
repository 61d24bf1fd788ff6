#include "flatenn/stats/betting.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

constexpr double kShare = 0.75;           // of its capital a gambler may lose at once
constexpr double kImaginedSquare = 0.01;  // keeps the first bets small

/// Of the capital that shows a side.
double log_target(double value, double level) {
  if (!(value > 0 && value < 1)) fail("a mean test needs a value between 0 and 1, not {}", value);
  if (!(level > 0 && level < 1)) fail("a mean test needs a level between 0 and 1, not {}", level);
  return portable_log(1 / level);
}

}  // namespace

MeanTest::MeanTest(double value, double level)
    : value_(value),
      log_target_(log_target(value, level)),
      limit_above_(kShare / value),
      limit_below_(kShare / (1 - value)),
      squares_(kImaginedSquare) {}

MeanTest::Moments MeanTest::moments() const {
  const double n = static_cast<double>(count_) + 1;
  return {sum_ / n, squares_ / n};
}

double MeanTest::bet(double distance, double variance, double limit) const {
  if (distance <= 0) return 0;
  return std::min(distance / (variance + distance * distance), limit);
}

void MeanTest::add(double sample) {
  if (!(sample >= 0 && sample <= 1)) fail("sample {} lies outside [0, 1]", sample);
  const auto [distance, variance] = moments();
  const double x = sample - value_;
  log_above_ += portable_log(1 + bet(distance, variance, limit_above_) * x);
  log_below_ += portable_log(1 - bet(-distance, variance, limit_below_) * x);
  sum_ += x;
  ++count_;
  const double from_mean = x - sum_ / (static_cast<double>(count_) + 1);
  squares_ += from_mean * from_mean;
  if (side_ != MeanSide::open) return;
  if (log_above_ >= log_target_) side_ = MeanSide::above;
  if (log_below_ >= log_target_) side_ = MeanSide::below;
}

double MeanTest::mean() const {
  return count_ == 0 ? value_ : value_ + sum_ / static_cast<double>(count_);
}

double MeanTest::forecast() const {
  const auto n = static_cast<double>(count_);
  if (side_ != MeanSide::open) return n;
  if (count_ == 0 || sum_ == 0) return std::numeric_limits<double>::infinity();
  const double variance = moments().variance;
  const double distance = std::abs(sum_ / n) + 2 * std::sqrt(variance / n);
  const double limit = sum_ > 0 ? limit_above_ : limit_below_;
  const double stake = bet(distance, variance, limit);
  // The mean logarithm of a factor, to second order.
  const double growth = stake * distance - stake * stake * (variance + distance * distance) / 2;
  const double left = log_target_ - (sum_ > 0 ? log_above_ : log_below_);
  return n + left / growth;
}

double fewest_above(double value, double level, double best) {
  const double target = log_target(value, level);
  if (!(best > value)) return std::numeric_limits<double>::infinity();
  // A hair is left for rounding, so that this errs on the side of too few.
  return 1 + std::ceil(target / portable_log(1 + kShare * (best - value) / value) - 1e-6);
}

}  // namespace flatenn
