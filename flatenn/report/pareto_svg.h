// Pareto picture: the fronts of a comparison as one SVG, a panel a criterion, a mark an arm.
#pragma once

#include <string>

#include "flatenn/report/comparison.h"

namespace flatenn {

/// Accuracy under faults upwards with its interval, the other criterion to the right; filled marks
/// are on the front, whose edge is a dashed stair. Below: a legend, and what was measured on what.
/// The front over all criteria has no picture.
std::string pareto_svg(const Comparison& comparison);

}  // namespace flatenn
