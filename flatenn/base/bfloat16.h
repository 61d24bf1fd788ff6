// Bfloat16: the upper half of a float32, as training's fast convolutions store values.
#pragma once

#include <bit>
#include <cstdint>

namespace flatenn {

/// Same bits as libtorch's c10::BFloat16.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

inline float to_float(float x) { return x; }
inline float to_float(Bfloat16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }

inline void round_to(float& target, float x) { target = x; }
/// Half to even; what is no number stays none. Without branches, so that loops vectorise.
inline void round_to(Bfloat16& target, float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  target.bits = static_cast<std::uint16_t>(x == x ? rounded : 0x7fc0);
}

}  // namespace flatenn
