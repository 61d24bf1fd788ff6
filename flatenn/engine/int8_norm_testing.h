// Plain loops that every set of kernels must equal in group normalization, for their tests.
#pragma once

#include <cstdint>
#include <string>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {

/// Runs the kernel on values and geometry drawn from `seed`, and plain loops over model.h's
/// arithmetic on the same. Empty when every result is equal; else the first that differs.
std::string norm_difference_from_loops(const Kernels& kernels, std::uint64_t seed);

}  // namespace flatenn::int8
