#include "flatenn/stats/interval.h"

#include <cmath>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/stats/checks.h"

namespace flatenn {

Interval t_interval(const Accumulator& samples, double confidence) {
  check_confidence(confidence);
  Interval interval{samples.mean(), samples.deviation(), 0, 0, samples.count()};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (samples.count() < 2) {
    interval.lo = -infinity;
    interval.hi = infinity;
    return interval;
  }
  const double n = static_cast<double>(samples.count());
  const double half = two_sided_t(confidence, n - 1) * interval.sd / std::sqrt(n);
  interval.lo = interval.mean - half;
  interval.hi = interval.mean + half;
  return interval;
}

Interval t_interval(std::span<const double> samples, double confidence) {
  return t_interval(Accumulator(samples), confidence);
}

Interval paired_interval(std::span<const double> a, std::span<const double> b, double confidence) {
  FLATENN_ASSERT(a.size() == b.size());
  Accumulator differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.add(a[i] - b[i]);
  return t_interval(differences, confidence);
}

double skewness(std::span<const double> samples) {
  const double n = static_cast<double>(samples.size());
  const double mean = Accumulator(samples).mean();
  double squares = 0, cubes = 0;
  for (const double x : samples) {
    const double distance = x - mean;
    squares += distance * distance;
    cubes += distance * distance * distance;
  }
  if (!(squares > 0)) return squares == 0 && n > 0 ? 0 : std::numeric_limits<double>::quiet_NaN();
  const double variance = squares / n;
  return cubes / n / (variance * std::sqrt(variance));
}

bool normal_enough(std::span<const double> samples) {
  if (samples.size() < 2) return false;
  const double skew = skewness(samples);
  return static_cast<double>(samples.size()) >= 25 * skew * skew;
}

}  // namespace flatenn
