// Checks: what every interval asks of its arguments.
#pragma once

#include <span>

namespace flatenn {

/// Throws Error unless 0 < confidence < 1 (NaN is refused too).
void check_confidence(double confidence);

/// Throws Error unless lo < hi are finite and every sample lies in [lo, hi]; names the sample.
void check_bounded(std::span<const double> samples, double lo, double hi);

/// z with P(-z < Z < z) = confidence for a standard normal Z: 1.959964 at 0.95. Throws Error unless
/// 0 < confidence < 1.
double two_sided_z(double confidence);

/// The same of Student's t. Precondition: freedom > 0.
double two_sided_t(double confidence, double freedom);

}  // namespace flatenn
