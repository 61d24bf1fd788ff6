// CodeBounds: a read port that knows how large the codes of a tensor, or of each of its output
// channels, are, and does not believe larger ones. Bound-and-protect of SoftSNN (R. V. W. Putra, M.
// A. Hanif, M. Shafique, DAC 2022, arXiv 2203.05523), for signed codes: the rule sees the magnitude
// and keeps the sign.
//
//   BnP1 zero     a code beyond the largest of the network without faults reads 0
//   BnP2 largest  it reads that largest one
//   BnP3 common   it reads the most frequent magnitude
//
// "Beyond" is strict: codes of the network itself always read as they are. A network whose codes
// fill their format gains nothing (headroom.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/quant/codec.h"

namespace flatenn {

enum class BoundRule { none, zero, largest, common };

/// What a read port remembers of one tensor, or of one channel: two codes.
struct CodeBounds {
  int largest = 128;  ///< magnitude that no code without faults exceeds
  int common = 0;     ///< most frequent magnitude; of equally frequent ones the least
  bool operator==(const CodeBounds&) const = default;
};

CodeBounds code_bounds(std::span<const std::int8_t> codes);
/// Of each of `channels` equal parts of the codes. Precondition: they divide without a rest.
std::vector<CodeBounds> channel_bounds(std::span<const std::int8_t> codes, std::size_t channels);

/// What a code reads.
inline std::int8_t bounded(BoundRule rule, const CodeBounds& bounds, std::int8_t code) {
  const int magnitude = code < 0 ? -code : code;
  if (rule == BoundRule::none || magnitude <= bounds.largest) return code;
  const int value = rule == BoundRule::zero      ? 0
                    : rule == BoundRule::largest ? bounds.largest
                                                 : bounds.common;
  return static_cast<std::int8_t>(code < 0 ? -value : value);
}

}  // namespace flatenn
