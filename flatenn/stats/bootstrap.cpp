#include "flatenn/stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

/// Mean over standard error of one resample of `centered` (samples minus their mean).
double studentised_resample(std::span<const double> centered, RandomStream stream) {
  const std::size_t n = centered.size();
  double first = 0, sum = 0, squares = 0;
  bool equal = true;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = centered[stream.below(n)];
    if (i == 0) first = x;
    equal = equal && x == first;
    sum += x;
    squares += x * x;
  }
  const double count = static_cast<double>(n);
  // Rounding would leave equal values a deviation of some 1e-17, so they are asked for directly.
  const double variance = equal ? 0 : (squares - sum * sum / count) / (count - 1);
  if (variance > 0) return sum / count / std::sqrt(variance / count);
  if (sum == 0) return 0;
  return std::copysign(std::numeric_limits<double>::infinity(), sum);
}

}  // namespace

Interval bootstrap_interval(std::span<const double> samples, double lo, double hi,
                            const BootstrapOptions& options) {
  check_confidence(options.confidence);
  check_bounded(samples, lo, hi);
  // The small excess keeps 0.025 * 2000 from falling to 49 by rounding.
  const double share =
      (1 - options.confidence) / 2 * (static_cast<double>(options.resamples) + 1) + 1e-9;
  if (share < 1 || options.resamples > 100'000'000) {
    fail("a bootstrap at confidence {} needs between {} and 100000000 resamples, not {}",
         options.confidence, std::ceil(2 / (1 - options.confidence) - 1), options.resamples);
  }
  const Accumulator all(samples);
  Interval interval{all.mean(), all.deviation(), lo, hi, all.count()};
  if (samples.size() < 2) return interval;
  if (interval.sd == 0) {
    interval.lo = interval.hi = interval.mean;
    return interval;
  }
  std::vector<double> centered(samples.begin(), samples.end());
  for (double& x : centered) x -= interval.mean;
  std::vector<double> t(options.resamples);
  for (std::size_t b = 0; b < t.size(); ++b) {
    t[b] = studentised_resample(centered,
                                RandomStream(options.seed, Purpose::bootstrap, options.index, b));
  }
  std::sort(t.begin(), t.end());
  const auto rank = static_cast<std::size_t>(share);
  const double error = interval.sd / std::sqrt(static_cast<double>(samples.size()));
  // A mean above the truth goes with a large t, so the upper quantile makes the lower end.
  interval.lo = std::max(lo, interval.mean - error * t[t.size() - rank]);
  interval.hi = std::min(hi, interval.mean - error * t[rank - 1]);
  return interval;
}

}  // namespace flatenn
