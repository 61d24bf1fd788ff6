// Plain loops that every set of kernels must equal, for their tests.
#pragma once

#include <cstdint>
#include <string>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {

/// Runs each kernel of the set on cells, weights and geometry drawn from `seed`, and plain loops
/// over what int8_kernels.h says on the same. Empty when every byte is equal, those that must stay
/// as they were among them; else the first kernel that differs, and where.
std::string difference_from_loops(const Kernels& kernels, std::uint64_t seed);

}  // namespace flatenn::int8
