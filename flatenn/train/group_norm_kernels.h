// Group normalization for training on the CPU, images innermost, by the evaluators' arithmetic
// (flatenn/graph/model.h): what is trained is what will be computed, and a float network at its
// stored weights gives the evaluators' own bits. One thread a call.
#pragma once

#include <cstddef>

namespace flatenn {

/// Tensors [channel][place][image]; groups divides channels.
struct GroupNormShape {
  int images = 1, channels = 1, places = 1, groups = 1;
  double epsilon = 1e-5;

  /// Values of one image that are normalised together.
  int values() const { return channels / groups * places; }
};

/// y = (x - mean) * gain * gamma[channel] + beta[channel]. `statistics`: (groups, 2, images), mean
/// and gain = 1 / sqrt(variance + epsilon) of each group, for the way back.
void group_norm_forward(const GroupNormShape& shape, const float* x, const float* gamma,
                        const float* beta, float* y, float* statistics);

/// Gradients to x, gamma and beta from the gradient `gy` to y. Overwrites all three.
void group_norm_backward(const GroupNormShape& shape, const float* x, const float* gamma,
                         const float* statistics, const float* gy, float* gx, float* ggamma,
                         float* gbeta);

}  // namespace flatenn
