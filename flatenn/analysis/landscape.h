// Landscape: the loss around a network, along random directions.
//
// Filter-normalised directions (Li et al., Visualizing the Loss Landscape of Neural Nets, NeurIPS
// 2018): normal draws, each filter (slice along the first dimension) scaled to the length of the
// weights' own. Biases and affines stay. Networks are to be compared on the same directions.
#pragma once

#include <cstdint>
#include <vector>

#include "flatenn/analysis/float_network.h"

namespace flatenn {

/// Direction `index` of `seed` for these weights: the same normal draws for any network of the
/// shape, then normalised to this one.
std::vector<torch::Tensor> filter_normalised_direction(const std::vector<torch::Tensor>& weights,
                                                       std::uint64_t seed, std::uint64_t index);

/// n positions from -extent to extent, equally spaced; 0 is exactly one of them. Precondition: n is
/// odd.
std::vector<double> landscape_positions(int n, double extent);

struct LandscapeOptions {
  std::uint64_t seed = 0;
  int lines = 3;  ///< directions 0, 1, ... one by one
  int line_points = 51;
  int plane_points = 51;  ///< a side, over directions 0 and 1; 0: no plane
  double extent = 1;      ///< positions reach from -extent to extent
  int threads = 1;        ///< over points; the result does not depend on it
};

/// Every point on all images of the network. Precondition: odd numbers of points. Throws
/// Interrupted.
Landscape measure_landscape(const FloatNetwork& network, const LandscapeOptions& options,
                            const Context& context);

}  // namespace flatenn
