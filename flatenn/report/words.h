// Words: kinds, rates and figures as a reader would say them.
#pragma once

#include <string>

#include "flatenn/memory/fault_map.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// "flipped bits", "bits stuck at 0", ...
std::string kind_words(FaultKind kind);
/// 0.05 -> "5 %".
std::string rate_words(double rate);
/// "69.4 % [69.1, 69.8]".
std::string accuracy_words(double mean, double lo, double hi);
/// "+16.1 points [15.4, 16.8]"; an unbounded interval is "interval unknown".
std::string points_words(double points, double lo, double hi);
/// "saq \u2212 plain"; names with a protection stand in brackets: "(saq + secded:64) \u2212 plain".
std::string difference_words(const std::string& first, const std::string& second);
/// "1 network", "2 networks".
std::string count_words(std::size_t count, const std::string& one, const std::string& many);

}  // namespace flatenn
