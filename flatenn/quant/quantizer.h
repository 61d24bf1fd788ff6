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
  lsq,     ///< learned step size (Esser et al., ICLR 2020): w = step * c
  saq,     ///< SAQ's weight-normalised symmetric quantizer without a zero level (methods: LIQ)
  robust,  ///< Stutz et al., MLSys 2021: per-tensor asymmetric range, rounding, unsigned codes
};

std::string_view to_string(WeightQuantizer quantizer);
WeightQuantizer parse_weight_quantizer(std::string_view name);

/// How the weights of one layer are quantized and stored.
struct WeightFormat {
  WeightQuantizer quantizer = WeightQuantizer::lsq;
  CodeFormat code;
  bool operator==(const WeightFormat&) const = default;
};

/// Throws Error naming `where` for widths and encodings that the quantizer cannot have: saq has
/// 2^bits levels and needs two's complement or offset binary; robust needs saturating codes.
void check_weight_format(const WeightFormat& format, std::string_view where);

/// What one tensor's codes mean, and how masters are brought onto the grid:
///   n = (w - center) / spread   (exactly w when center = 0 and spread = 1)
///   c = clamp(round_half_even((n - offset) / scale), min_code, max_code)
///   value = scale * c + offset
/// saq conv: center = mean, spread = unbiased standard deviation of the masters, level spacing
/// 2a/(2^k - 1), offset = spacing / 2.
struct WeightGrid {
  float scale = 1;   ///< spacing of adjacent levels
  float offset = 0;
  float center = 0;
  float spread = 1;
};

/// Codes of `masters`. codes.size() == masters.size().
void quantize_weights(std::span<const float> masters, const WeightGrid& grid,
                      const CodeFormat& format, std::span<std::int8_t> codes);

}  // namespace flatenn
