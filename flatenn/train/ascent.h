// Ascent: the step uphill of sharpness-aware methods, at a radius in one of several metrics.
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "flatenn/train/settings.h"

namespace flatenn {

/// A tensor that moves.
struct AscentMember {
  torch::Tensor gradient;
  torch::Tensor values;  ///< adaptive metric alone; undefined: moved as in the weight metric
  double spacing = 1;    ///< code metrics alone: of adjacent levels
};

/// What to add to each member, all under one norm but for code_per_layer:
///   weight          radius g / |g| (SAM, ICLR 2021; SAQ, arXiv 2111.12273)
///   adaptive        radius (|w|+eta)^2 g / |(|w|+eta) g| (ASAM, ICML 2021)
///   code            radius sqrt(N) d_l^2 g_l / sqrt(sum_k |d_k g_k|^2), d the spacing, N elements
///   code_per_layer  radius sqrt(N_l) d_l g_l / |g_l|
/// Zero where all gradients are.
std::vector<torch::Tensor> ascent(std::span<const AscentMember> members, Metric metric,
                                  double radius, double adaptive_eta);

}  // namespace flatenn
