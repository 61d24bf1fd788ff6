// Injection: transient errors in what a layer computes, while training and to measure with.
//
// The fault model of DieHardNet (Cavagnero et al., IOLTS 2022): a strike corrupts a patch of one
// layer's output, whose elements it multiplies by one factor. Of each batch one layer is hit; each
// image by itself with some probability.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/graph/graph.h"
#include "flatenn/train/module.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// Which elements of an output (channels, height, width) an image loses, 1 where hit:
///   line     one row or one column, in each channel with probability 0.75
///   square   one rectangle, in each channel with probability 0.3
///   random   each place with probability 0.5, in each channel with probability 0.1
///   channel  whole channels, each with probability 0.1
///   pixel    one element
/// Outputs of one place (linear layers) lose each feature with probability 0.3, whatever the shape.
/// `mask` has shape.elements() places and is zero before.
void draw_mask(MaskShape mask_shape, const Shape& shape, RandomStream& stream,
               std::span<float> mask);

/// The factors (channels, height, width, images) of one layer's output: 1 where nothing happens,
/// `error` in the masks of the images that are hit.
torch::Tensor draw_factors(MaskShape mask_shape, const Shape& shape, std::int64_t images,
                           double probability, double error, RandomStream& stream);

/// Draws what is injected into the batch of a step, keyed (seed, injection, step): a layer, an
/// error uniform on (0, largest_error] with either sign, and its factors.
class Injection {
 public:
  Injection(const Graph& graph, const InjectionSettings& settings, std::uint64_t seed);

  /// Nothing where the probability is 0.
  SumsFactor draw(std::int64_t step, std::int64_t images, const torch::Device& device) const;

 private:
  InjectionSettings settings_;
  std::uint64_t seed_;
  std::vector<int> nodes_;  ///< with weights
  std::vector<Shape> shapes_;
};

}  // namespace flatenn
