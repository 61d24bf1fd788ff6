// Random models and images for tests and benchmarks: every op, codes over their whole range.
#pragma once

#include <cstdint>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// A whole model of `graph` (batch norm is folded away): random codes over the full range of each
/// format, affines such that the values of every sums node spread over the code range of their
/// reader and beyond it on both sides; a quarter of the multipliers is negative.
Model random_model(const Graph& graph, std::uint64_t seed);

/// `count` images of uniform pixels with random labels, shaped for `input`.
Dataset random_dataset(const Input& input, std::size_t count, std::uint64_t seed);

}  // namespace flatenn
