#include "flatenn/memory/bias_codes.h"

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {

BiasCodes code_biases(std::span<const float> addend) {
  float largest = 0;
  for (const float value : addend) {
    FLATENN_ASSERT(std::isfinite(value));
    largest = std::max(largest, std::abs(value));
  }
  // In double precision the largest bias reads as itself, so coding again finds the same scale.
  BiasCodes coded{static_cast<double>(largest) / max_bias_code, {}};
  for (const float value : addend) {
    const double code = coded.scale == 0 ? 0 : std::nearbyint(value / coded.scale);
    coded.codes.push_back(static_cast<std::int16_t>(code));
  }
  return coded;
}

Model with_coded_biases(const Model& model) {
  Model coded = model;
  for (NodeAffine& affine : coded.affine) {
    const BiasCodes biases = code_biases(affine.addend);
    for (std::size_t c = 0; c < affine.addend.size(); ++c) {
      affine.addend[c] = biases.value(biases.codes[c]);
    }
  }
  return coded;
}

}  // namespace flatenn
