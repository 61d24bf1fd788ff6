#include "flatenn/stats/checks.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstddef>

#include "flatenn/base/error.h"

namespace flatenn {

void check_confidence(double confidence) {
  if (!(confidence > 0 && confidence < 1)) {
    fail("the confidence of an interval must lie between 0 and 1, not at {}", confidence);
  }
}

void check_bounded(std::span<const double> samples, double lo, double hi) {
  if (!(std::isfinite(lo) && std::isfinite(hi) && lo < hi)) {
    fail("the bounds of a sample must be finite and ascending, not {} and {}", lo, hi);
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!(lo <= samples[i] && samples[i] <= hi)) {
      fail("sample {} must lie between the bounds {} and {}, not at {}", i, lo, hi, samples[i]);
    }
  }
}

double two_sided_z(double confidence) {
  check_confidence(confidence);
  return boost::math::quantile(
      boost::math::complement(boost::math::normal(), (1 - confidence) / 2));
}

double two_sided_t(double confidence, double freedom) {
  check_confidence(confidence);
  FLATENN_ASSERT(freedom > 0);
  const boost::math::students_t t(freedom);
  return boost::math::quantile(boost::math::complement(t, (1 - confidence) / 2));
}

}  // namespace flatenn
