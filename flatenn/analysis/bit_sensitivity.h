// BitSensitivity: what each stored bit is worth to the loss, by its derivatives at the weights.
//
// A fault that moves a weight by d changes the loss by about g d + h d^2 / 2, with g the gradient
// and h the Hessian's diagonal at that weight. The first order costs one gradient; the second as
// many products with the Hessian as its diagonal was estimated from.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "flatenn/analysis/results.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// Derivatives at the dequantized weights of one tensor, row-major. `second` may be empty.
struct WeightDerivatives {
  std::vector<float> first, second;
};

/// Tensor by tensor, bit by bit, in memory order. Precondition: one element a weight tensor of the
/// model, of its size.
std::vector<BitSensitivity> bit_sensitivities(const Model& model,
                                              std::span<const WeightDerivatives> derivatives);

/// One stored bit.
struct BitEffect {
  int tensor = 0;
  std::uint64_t element = 0;
  int bit = 0;
  double change = 0;  ///< of the weight when the bit flips
  double first = 0, second = 0;
};
/// Every stored bit in the order of its address.
void visit_bits(const Model& model, std::span<const WeightDerivatives> derivatives,
                const std::function<void(const BitEffect&)>& visit);

}  // namespace flatenn
