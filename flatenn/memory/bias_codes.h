// BiasCodes: biases as a memory holds them, 16-bit codes with one scale a layer.
//
// A bias here is what a layer, channel_affine or group_norm adds to a channel last
// (NodeAffine::addend), so with folded batch norm and divided by the step of the activation that
// reads it. A code c in [-32767, 32767] is stored in 16 bits, two's complement, and read as
// fl(scale * c), scale = max|addend| / 32767 in double precision and one rounding to float. Faults
// can also read -32768.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/graph/model.h"

namespace flatenn {

inline constexpr int bias_bits = 16;
inline constexpr int max_bias_code = 32767;

struct BiasCodes {
  double scale = 0;                 ///< 0 when all biases are 0
  std::vector<std::int16_t> codes;  ///< one a channel

  /// What a code reads.
  float value(std::int16_t code) const { return static_cast<float>(scale * code); }
};

/// Nearest codes: |value - addend| <= scale / 2, and one rounding. Values that codes read have the
/// same codes' values again, bit for bit, so coding twice changes nothing. Precondition: finite.
BiasCodes code_biases(std::span<const float> addend);

/// The network whose biases are those that its memory reads without faults. Exposing biases implies
/// it: clean accuracy is measured with it too. Precondition: check_model accepts the model.
Model with_coded_biases(const Model& model);

}  // namespace flatenn
