// Precision: the arithmetic of convolutions in training passes.
#pragma once

#include <string>
#include <vector>

namespace flatenn {

enum class TrainPrecision {
  float32,
  /// Inputs and weights of convolutions are rounded to bfloat16, their products are summed in
  /// float32, and the sums are rounded to bfloat16; gradients likewise. What lies between two
  /// convolutions (normalizations, activations, pools, additions) is float32 arithmetic on bfloat16
  /// values. Linear layers, parameters, running statistics and the loss stay float32.
  bfloat16,
};
/// In the order of the values.
const std::vector<std::string>& precision_names();

/// Whether this processor multiplies bfloat16 itself (AVX512_BF16).
bool multiplies_bfloat16();

/// Throws Error, naming the key, when trainings of this precision cannot run here, or would be
/// slower than float32. `supported`: whether bfloat16 is.
void check_precision(TrainPrecision precision, bool supported = multiplies_bfloat16());

}  // namespace flatenn
