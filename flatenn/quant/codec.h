// Codec: what the memory holds. Integer codes <-> stored bits.
//
// A stored word of `bits` bits decodes to a signed integer code c in [-128, 127], and the weight it
// stands for is w = scale * c + offset (float32, two roundings).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flatenn {

enum class Encoding {
  twos_complement,  ///< c in [-2^(b-1), 2^(b-1) - 1]
  offset_binary,    ///< stored word = c + 2^(b-1)
  sign_magnitude,   ///< top bit is the sign, c in +-(2^(b-1) - 1); minus zero decodes to 0
};

std::string_view to_string(Encoding encoding);
/// Throws Error listing the known names.
Encoding parse_encoding(std::string_view name);

/// The format of one tensor's stored codes.
struct CodeFormat {
  int bits = 4;  ///< 2 to 8
  Encoding encoding = Encoding::twos_complement;
  /// The most negative code of two's complement and offset binary reads as its neighbour, so codes
  /// are symmetric (robust quantization decodes the unused lowest word so).
  bool saturating = false;

  int min_code() const;  ///< smallest code that decode can return
  int max_code() const;  ///< largest
  bool operator==(const CodeFormat&) const = default;
};

/// Throws Error naming `where` unless 2 <= bits <= 8.
void check_format(const CodeFormat& format, std::string_view where);

/// Stored word of a code. Precondition: min_code() <= code <= max_code().
std::uint8_t encode(const CodeFormat& format, int code);

/// Code of a stored word; only the low `bits` bits are read. Total: every word decodes.
std::int8_t decode(const CodeFormat& format, std::uint8_t word);

/// The real value of a code: scale * c rounded, + offset rounded.
inline float dequantize(int code, float scale, float offset) {
  return scale * static_cast<float>(code) + offset;
}

}  // namespace flatenn
