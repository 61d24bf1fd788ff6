// Fake quantization: the values that the integer network will use, with gradients for training.
//
// Forward values are dequantize(code, scale, offset) of quantizer.h's codes, bit for bit. Gradients
// are straight-through: rounding has slope one, clamping has slope zero outside its range, and the
// learned step follows from both (Esser et al., ICLR 2020; for SAQ the same rule on its clip).
// Float32 on the CPU takes one fused pass each way; anything else the same arithmetic as tensor
// operations, which also differentiate twice. Activations in bfloat16 on the CPU are fused, too:
// float32 arithmetic, values and gradients rounded once at the end. Fused activations keep the
// layout of x where it is contiguous or channels last; elements do not depend on it, while the sums
// over them (of positive parts, of the gradient to the step) follow the order in memory.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "flatenn/quant/quantizer.h"

namespace flatenn {

/// The learned parameter before training: lsq: step = 2 mean|w| / sqrt(max_code); saq: the clip,
/// 2 (deviations) for convolutions, 0.8 max|w| for linear layers. The others have none and get 1.
float initial_weight_step(const torch::Tensor& masters, const WeightFormat& format);

/// The grid of the masters as they are now. `step` is a scalar tensor: LSQ's step or SAQ's clip,
/// ignored by the others. Four-dimensional masters are convolutions (SAQ normalises them).
WeightGrid weight_grid(const torch::Tensor& masters, const torch::Tensor& step,
                       const WeightFormat& format);

/// Masters on their grid. Gradients: to the masters inside the clamp range (over the spread), to
/// `step` with LSQ's gradient scale 1 / sqrt(N max_code) and SAQ's none. SAQ's mean and deviation
/// and the ranges of the others are constants to the gradient.
torch::Tensor fake_quantize_weights(const torch::Tensor& masters, const torch::Tensor& step,
                                    const WeightFormat& format, const WeightGrid& grid);

/// The grid's spacing of levels as a scalar tensor, with its gradient to `step`: LSQ's is scaled as
/// above. The others' ranges are constants.
torch::Tensor weight_spacing(const torch::Tensor& masters, const torch::Tensor& step,
                             const WeightFormat& format, const WeightGrid& grid);

/// Result of an activation.
struct FakeActivation {
  torch::Tensor values;    ///< step * code, shape of the input
  torch::Tensor sum;       ///< scalar: sum of the inputs' positive parts, before quantization
  std::int64_t zeros = 0;  ///< zero codes
};

/// ReLU, then unsigned codes of `bits` bits with a learned step. `samples` is the number of samples
/// in x: LSQ's gradient scale counts the elements of one. Throws Error when the step is not finite.
FakeActivation fake_quantize_activation(const torch::Tensor& x, const torch::Tensor& step, int bits,
                                        std::int64_t samples);

/// Signed codes of `bits` bits with a learned step, no ReLU.
torch::Tensor fake_quantize_signed(const torch::Tensor& x, const torch::Tensor& step, int bits,
                                   std::int64_t samples);

/// The step before training from the first batch: 2 mean|x| / sqrt(max_code).
float initial_activation_step(const torch::Tensor& x, int max_code);

}  // namespace flatenn
