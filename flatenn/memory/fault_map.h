// FaultMap: the faulty cells of one memory ("chip"), nested in the rate.
//
// Every cell has a threshold u, uniform on (0, 1], a pure function of (seed, map id, address); it
// is faulty at rate p when u <= p. So the cells at p are a subset of those at p' > p, and memories
// of any size meet the same cells below the end of the smaller one. The thresholds are never
// stored: they are drawn in bands (2^-(k+1), 2^-k], k = 0 .. 39, and (0, 2^-40], each with a
// counter stream of its own keyed (seed, map id, band), sampled by geometric gaps at the
// conditional probability width / (1 - lower edge); cells that a lower band took are skipped.
// Drawing a map costs O(faults). docs/faults.md has the derivation.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace flatenn {

enum class FaultKind {
  flip,    ///< the bit is inverted
  stuck0,  ///< the cell reads 0
  stuck1,  ///< the cell reads 1
  stuck,   ///< the cell reads 0 or 1 by a fair coin of the cell
};

std::string_view to_string(FaultKind kind);
/// Throws Error with the known names.
FaultKind parse_fault_kind(std::string_view name);

/// What a faulty cell that holds `stored` reads.
inline bool value_read(FaultKind kind, bool stored, bool coin) {
  if (kind == FaultKind::flip) return !stored;
  return kind == FaultKind::stuck ? coin : kind == FaultKind::stuck1;
}

/// One faulty cell.
struct Fault {
  std::uint64_t address = 0;
  bool coin = false;  ///< the value that kind `stuck` reads
  bool known = true;  ///< found by a test of the chip: placements for a known map see it
  bool operator==(const Fault&) const = default;
};

/// The cells of map `map` of a memory of `bits` bits at `rate`, ascending, into `faults` (its
/// capacity is reused; scratch buffers are kept per thread). Maps of other streams are independent
/// of it. Throws Error unless 0 <= rate <= 1. Preconditions: bits < 2^48, stream < 2^56.
void draw_fault_map(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
                    std::vector<Fault>& faults, std::uint64_t stream = 0);

}  // namespace flatenn
