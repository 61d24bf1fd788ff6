// Mutations of an input, keyed: the same (seed, iteration) always gives the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

/// Input number `iteration`: the corpus itself first, then mutations of it. Pure in its arguments.
Bytes make_input(const std::vector<Bytes>& corpus, std::uint64_t seed, std::uint64_t iteration);

}  // namespace flatenn::fuzz
