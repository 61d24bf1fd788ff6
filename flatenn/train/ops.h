// Operations on tensors [channel][row][column][image], with gradients.
//
// Float32 on the CPU runs on kernels.h; any other type or device on libtorch's own operations,
// which also differentiate twice. Tensors in bfloat16 lie channels last in memory, as
// [image][row][column][channel], whatever their shape says: so oneDNN wants them, and no operation
// but flatten changes it.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "flatenn/train/kernels.h"

namespace flatenn::ops {

/// Of conv2d with these arguments.
ConvShape conv_shape(const torch::Tensor& x, const torch::Tensor& w, int stride, int padding);

/// x (in, h, w, images), w (out, in, k, k), bias (out) or undefined -> (out, h', w', images). With
/// w in bfloat16 x and bias are rounded to it, and the result and all gradients have that type,
/// too.
torch::Tensor conv2d(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& bias,
                     int stride, int padding);

/// x (in, 1, 1, images), w (out, in), bias (out) or undefined -> (out, 1, 1, images), of w's type.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& bias);

torch::Tensor max_pool(const torch::Tensor& x, int kernel, int stride);
/// Over all places the mean of a bfloat16 tensor is float32.
torch::Tensor avg_pool(const torch::Tensor& x, int kernel, int stride);

/// Normalises each channel over places and images: by the batch's statistics, which also move the
/// running ones by `momentum` (0: leaves them), when `training`; else by the running ones.
torch::Tensor batch_norm(const torch::Tensor& x, const torch::Tensor& gamma,
                         const torch::Tensor& beta, torch::Tensor running_mean,
                         torch::Tensor running_variance, bool training, double momentum,
                         double epsilon);

/// Normalises each image's channels in `groups` runs of equal length, by the run's own mean and
/// variance; then gamma and beta (channels). Float32 on the CPU by the evaluators' arithmetic, bit
/// for bit (flatenn/graph/model.h).
torch::Tensor group_norm(const torch::Tensor& x, const torch::Tensor& gamma,
                         const torch::Tensor& beta, int groups, double epsilon);

/// (channels, h, w, images) -> (channels * h * w, 1, 1, images).
torch::Tensor flatten(const torch::Tensor& x);

}  // namespace flatenn::ops
