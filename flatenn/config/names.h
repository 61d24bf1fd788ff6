// Names that a user may have mistyped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

/// The closest of `candidates`, or empty when none is close (edit distance <= 1/3 of the length;
/// two neighbouring letters swapped count as one edit).
std::string closest_name(std::string_view name, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" with the closest of `candidates`; when none is close, "; known: a, b, c".
/// To be put at the end of an error line.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace flatenn
