// Random models for tests and benchmarks: every op, codes over their whole range.
#pragma once

#include <cstdint>

#include "flatenn/graph/model.h"

namespace flatenn {

/// A whole model of `graph` (batch norm is folded away): random codes over the full range of each
/// format, weight offsets for quantizers other than lsq, affines such that the values of every sums
/// node spread over the code range of their reader and beyond it on both sides; a quarter of the
/// multipliers is negative.
Model random_model(const Graph& graph, std::uint64_t seed);

}  // namespace flatenn
