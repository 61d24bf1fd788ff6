// Weight quantizers as arithmetic on plain arrays: range parameters, and real value -> code.
//
// The training side (fake_quant.h) calls these same functions, so what the memory holds and what
// training's forward pass used are equal bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "flatenn/quant/codec.h"

namespace flatenn {

enum class WeightQuantizer {
  lsq,        ///< learned step size (Esser et al., ICLR 2020): w = step * c
  saq,        ///< SAQ's weight-normalised symmetric quantizer without a zero level (methods: LIQ)
  robust,     ///< Stutz et al., MLSys 2021: per-tensor asymmetric range, rounding to nearest
  symmetric,  ///< their baseline "Normal": per-tensor range +-max|w|, truncation towards zero
};

/// Has a learned step or clip; the others follow the range of the masters.
bool has_step(WeightQuantizer quantizer);
std::string_view to_string(WeightQuantizer quantizer);
/// Throws Error listing the known names.
WeightQuantizer parse_weight_quantizer(std::string_view name);

/// How the weights of one layer are quantized and stored.
struct WeightFormat {
  WeightQuantizer quantizer = WeightQuantizer::lsq;
  CodeFormat code;
  bool operator==(const WeightFormat&) const = default;
};

/// Throws Error naming `where` for widths and encodings that the quantizer cannot have: saq has
/// 2^bits levels and needs two's complement or offset binary; robust needs symmetric codes:
/// sign-magnitude, or saturating.
void check_weight_format(const WeightFormat& format, std::string_view where);

/// What one tensor's codes mean, and how masters are brought onto the grid:
///   n = (w - center) / spread   (exactly w when center = 0 and spread = 1)
///   c = clamp(round((n - offset) / scale), min_code, max_code)
///   value = scale * c + offset
/// round: to nearest, half to even; or towards zero where `truncates`.
/// Every step is rounded to float32. scale and spread are normal and positive.
struct WeightGrid {
  float scale = 1;   ///< spacing of adjacent levels
  float offset = 0;  ///< value of code 0
  float center = 0;
  float spread = 1;
  bool truncates = false;
  bool operator==(const WeightGrid&) const = default;
};

/// LSQ: levels step * c. The magnitude of `step` counts; a learned step may cross zero. Throws
/// Error when it is not finite.
WeightGrid lsq_grid(float step);

/// SAQ: 2^bits levels from -a to a, a = |clip|, spaced 2a / (2^bits - 1), none of them zero; so
/// offset is half a spacing. `normalised` (convolutions): masters are first brought to mean 0 and
/// unbiased standard deviation 1; linear layers take them as they are. A constant tensor keeps
/// spread 1. Mean and deviation are computed in double, in element order. Throws Error when the
/// clip or a master is not finite.
WeightGrid saq_grid(std::span<const float> masters, float clip, int bits, bool normalised);

/// Robust: 2^bits - 1 levels over the range [lo, hi] of the masters, spaced (hi - lo) / 2 * Delta
/// with the paper's Delta = 1 / (2^(bits-1) - 1), around the middle of the range. In offset binary
/// word 0 stays unused (and reads as its neighbour: see CodeFormat::saturating). The range itself
/// is kept with the scale and never faulted. Throws Error when a master is not finite.
WeightGrid robust_grid(std::span<const float> masters, int bits);

/// Symmetric: levels -max|w| .. max|w| around 0, spaced max|w| / (2^(bits-1) - 1), masters
/// truncated. In two's complement the lowest word is unused, and reads as one level below. Throws
/// Error when a master is not finite.
WeightGrid symmetric_grid(std::span<const float> masters, int bits);

/// n of one master: the value that the grid rounds.
inline float normalise(float master, const WeightGrid& grid) {
  return (master - grid.center) / grid.spread;
}

/// Codes of `masters`. codes.size() == masters.size(). Throws Error when a master is not finite:
/// training diverged.
void quantize_weights(std::span<const float> masters, const WeightGrid& grid,
                      const CodeFormat& format, std::span<std::int8_t> codes);

}  // namespace flatenn
