#include "flatenn/stats/proportion.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

/// Mean and sd filled in; the interval is everything possible.
Interval without_bounds(std::uint64_t successes, std::uint64_t trials, double confidence) {
  FLATENN_ASSERT(successes <= trials);
  check_confidence(confidence);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (trials == 0) return {nan, nan, 0, 1, 0};
  const double p = static_cast<double>(successes) / static_cast<double>(trials);
  return {p, std::sqrt(p * (1 - p)), 0, 1, trials};
}

}  // namespace

Interval wilson_interval(std::uint64_t successes, std::uint64_t trials, double confidence) {
  Interval interval = without_bounds(successes, trials, confidence);
  if (trials == 0) return interval;
  const double z = two_sided_z(confidence);
  const double n = static_cast<double>(trials), p = interval.mean;
  const double center = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At the ends the bound equals the proportion; rounding must not put it beyond.
  interval.lo = successes == 0 ? 0 : std::max(0.0, center - half);
  interval.hi = successes == trials ? 1 : std::min(1.0, center + half);
  return interval;
}

Interval clopper_pearson_interval(std::uint64_t successes, std::uint64_t trials,
                                  double confidence) {
  Interval interval = without_bounds(successes, trials, confidence);
  const double k = static_cast<double>(successes), n = static_cast<double>(trials);
  const double tail = (1 - confidence) / 2;
  if (successes > 0) interval.lo = boost::math::ibeta_inv(k, n - k + 1, tail);
  if (successes < trials) interval.hi = boost::math::ibetac_inv(k + 1, n - k, tail);
  return interval;
}

}  // namespace flatenn
