// Random networks, models and images for tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/testing.h"

namespace flatenn {

/// A small network over all ops and the corners of their settings.
Graph random_graph(std::uint64_t seed);

/// `count` images of uniform pixels with random labels, shaped for `input`.
Dataset random_dataset(const Input& input, std::size_t count, std::uint64_t seed);

}  // namespace flatenn
