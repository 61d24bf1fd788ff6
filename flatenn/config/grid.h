// Grids: lists of numbers as a user types them.
#pragma once

#include <string_view>
#include <vector>

namespace flatenn {

/// "1e-3..5e-2:8" -> 8 values in geometric progression; "0.1,0.2" -> list; "0.1" -> one; the parts
/// of a list may be grids. The ends are exact, the values between are rounded to 6 significant
/// digits: that is what a user reads and what keys results, and it is the same on every machine.
/// Throws Error naming `where`.
std::vector<double> expand_grid(std::string_view text, std::string_view where);

}  // namespace flatenn
