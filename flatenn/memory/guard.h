// Guard: what the read port does about faults, in this order:
//
//   tmr:K            the K most significant bits of every code are stored three times; each bit
//                    reads what at least two of its cells do
//   parity:N         one check bit a word of N bits; the codes of a word with a wrong parity read 0
//   secded:N         Hamming's code: one error a word of N bits is corrected; words with two read
//                    as they are, or, with secded:N:zero, their codes read 0
//   bound:R          BnP1, 2 or 3: weights larger than any of their tensor read 0, the largest, the
//                    most common (code_bounds.h); bound:R:channel: than any of their channel
//
// Words hold whole codes of one tensor; the last one of a tensor may be shorter. Copies and check
// bits lie in cells that fail as all others do.
#pragma once

#include <string>
#include <string_view>

#include "flatenn/memory/code_bounds.h"
#include "flatenn/memory/word_code.h"

namespace flatenn {

struct Guard {
  int voted = 0;  ///< tmr: bits of a code, 0 to 16
  WordCodeKind code = WordCodeKind::none;
  int word_bits = 0;  ///< 1 to 64, with a code
  bool zero = false;  ///< words with detected errors read 0; always so for parity
  BoundRule bound = BoundRule::none;
  bool channels = false;  ///< with a bound: one each output channel, not each tensor

  bool any() const { return *this != Guard{}; }
  bool operator==(const Guard&) const = default;
};

/// Whether a guard's text may hold a part of this name.
bool names_guard(std::string_view name);
/// "tmr:1+secded:64+bound:1", in any order; "" is none. Throws Error naming `guard`.
Guard parse_guard(std::string_view text);
/// Canonical.
std::string to_string(const Guard& guard);

}  // namespace flatenn
