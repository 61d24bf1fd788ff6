// Random networks, models and images for tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/testing.h"

namespace flatenn {

/// A small network over all ops and the corners of their settings.
Graph random_graph(std::uint64_t seed);

/// A grey pixel q, then a group of three channels with the values 2^60, -2^60 and q. Summed in this
/// order their mean is q / 3, in the opposite order 0 for q below 128: the third channel's code
/// (node "codes") tells which, round(sqrt(2/3) q) or round(sqrt(3/2) q).
Model order_sensitive_model();

/// `count` images of uniform pixels with random labels, shaped for `input`.
Dataset random_dataset(const Input& input, std::size_t count, std::uint64_t seed);

}  // namespace flatenn
