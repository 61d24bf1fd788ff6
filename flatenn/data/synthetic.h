// A small deterministic dataset for tests and first steps: no download, learnable in seconds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flatenn/data/dataset.h"

namespace flatenn {

/// Each class is a coarse pattern of dark and bright 3x3 tiles. An image is its class's pattern,
/// shifted by up to one pixel each way, with uniform noise of +-noise on every pixel.
struct SyntheticOptions {
  int channels = 1, height = 12, width = 12;
  int classes = 10;
  int noise = 60;  ///< 0 to 255
  std::uint64_t seed = 0;
};

/// The images [first, first + count) of an endless sequence; image i has label i mod classes and
/// depends on (seed, i) alone.
Dataset make_synthetic(const SyntheticOptions& options, std::uint64_t first, std::size_t count);

}  // namespace flatenn
