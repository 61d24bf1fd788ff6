#include "flatenn/stats/interval.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

#include "flatenn/base/error.h"

namespace flatenn {

Interval t_interval(const Accumulator& samples, double confidence) {
  if (!(confidence > 0 && confidence < 1)) {
    fail("the confidence of an interval must lie between 0 and 1, not at {}", confidence);
  }
  Interval interval{samples.mean(), samples.deviation(), 0, 0, samples.count()};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (samples.count() < 2) {
    interval.lo = -infinity;
    interval.hi = infinity;
    return interval;
  }
  const double n = static_cast<double>(samples.count());
  const boost::math::students_t t(n - 1);
  const double quantile = boost::math::quantile(boost::math::complement(t, (1 - confidence) / 2));
  const double half = quantile * interval.sd / std::sqrt(n);
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

}  // namespace flatenn
