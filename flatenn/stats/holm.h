// Holm: several questions asked of the same data.
#pragma once

#include <span>
#include <vector>

namespace flatenn {

/// Holm's step-down adjustment (1979) of p values, in their order: rejecting where the adjusted
/// value is at most alpha keeps the chance of any false rejection at most alpha, whatever the
/// dependence. Throws Error unless every value lies in [0, 1].
std::vector<double> holm_adjust(std::span<const double> p_values);

}  // namespace flatenn
