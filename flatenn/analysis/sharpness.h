// Sharpness: how far the loss can rise nearby.
//
// One step of ascent at a radius, as sharpness-aware training takes it (Foret et al., SAM, ICLR
// 2021; Kwon et al., ASAM, ICML 2021; and our code metric), and flatness in balls relative to each
// layer's weights (Stutz et al., Relating Adversarially Robust Generalization to Flat Minima, ICCV
// 2021). Only weights move; the images are taken as one batch.
#pragma once

#include <cstdint>
#include <vector>

#include "flatenn/analysis/float_network.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// One step of ascent (flatenn/train/ascent.h) from the network; `gradients` are those of its mean
/// loss, `here` its loss.
Sharpness measure_sharpness(const FloatNetwork& network,
                            const std::vector<torch::Tensor>& gradients, const LossPoint& here,
                            Metric metric, double radius, const Context& context);

struct FlatnessOptions {
  std::uint64_t seed = 0;
  double average_radius = 0.5;  ///< relative to each layer's norm
  int draws = 10;
  double worst_radius = 0.003;
  int restarts = 5;
  int steps = 20;  ///< of projected ascent
};

/// Average: z_l uniform on the sphere of radius average_radius |w_l|. Worst: from random starts in
/// the balls, steps of a tenth of the radius along each layer's normalised gradient, projected back
/// layer by layer; the largest loss seen. Throws Interrupted.
Flatness measure_flatness(const FloatNetwork& network, const LossPoint& here,
                          const FlatnessOptions& options, const Context& context);

}  // namespace flatenn
