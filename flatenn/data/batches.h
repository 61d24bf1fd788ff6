// Batches: which images a training step sees, and how they are augmented. Keyed, never stateful.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/data/dataset.h"

namespace flatenn {

struct Augmentation {
  int pad = 0;  ///< pad-and-crop: zero_point pixels on each side, then a random crop
  /// Every other epoch mirrors an image, a coin says which: in two epochs both are seen, rather
  /// than one of them twice half of the time ("alternating flip": Jordan, arXiv:2404.00498, 2024).
  bool flip = false;
};

/// The order of one epoch: a permutation of 0 .. count-1, a function of (seed, epoch) alone.
std::vector<std::uint32_t> epoch_order(std::size_t count, std::uint64_t seed, std::uint64_t epoch);

/// Copies the images `indices` to `pixels` (indices.size() * image_bytes) and their labels, each
/// augmented by draws keyed (seed, epoch, image index): independent of the batch size.
void gather_batch(const Dataset& data, std::span<const std::uint32_t> indices,
                  const Augmentation& augmentation, std::uint8_t fill, std::uint64_t seed,
                  std::uint64_t epoch, std::span<std::uint8_t> pixels,
                  std::span<std::uint8_t> labels);

}  // namespace flatenn
