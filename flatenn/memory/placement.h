// Placement: which cell a bit lies in. Codes keep their addresses (layout.h); a placement says
// where on the chip the cell of an address is, so that what fails together hits other bits.
//
//   skip:N        the N bit lines of each bank with the most known faulty cells hold nothing
//                 (column_skip.h); with the bank's columns and rows: skip:8:128x256
//   protect:K     the K most significant bits of every code lie in cells that never fail (larger
//                 ones, or a bank at a higher voltage)
//   interleave:D  the words of a tensor lie in blocks of D, first bits of all, then second bits of
//                 all: a burst of up to D cells hits a word at most once. A word is that of the
//                 guard's code, otherwise a code
//   rotate:G      for each G codes in turn, the k among 0 .. b - 1 for which the known faulty cells
//                 of the map hold the least significance, the sum of 2^(logical bit); bit n of a
//                 code lies in cell (n + k) mod b. The top bit counts as the largest in every
//                 encoding. After ReSpawn and RescueSNN (R. V. W. Putra, M. A. Hanif, M. Shafique,
//                 ICCAD 2021, arXiv 2108.10271; Frontiers in Neuroscience 2023, arXiv 2304.04041)
//
// skip and rotate need a map that is known: permanent faults, found by a test (Fault::known).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flatenn/memory/column_skip.h"
#include "flatenn/memory/fault_map.h"

namespace flatenn {

struct Placement {
  int protect = 0;               ///< top bits of a code, 0 to 16
  std::uint64_t interleave = 1;  ///< words a block, 1 to 2^20
  std::uint64_t rotate = 0;      ///< codes with one rotation, up to 2^20; 0: none
  ColumnSkip skip = {};

  bool any() const { return *this != Placement{}; }
  bool operator==(const Placement&) const = default;
};

/// "protect:1+interleave:8", in any order; "" is none. Banks that the text does not tell are those
/// of `geometry`, or by default Geometry's. Throws Error naming `placement`, and where the text
/// tells others than `geometry`, both.
Placement parse_placement(std::string_view text, const std::optional<Geometry>& geometry = {});
/// Canonical.
std::string to_string(const Placement& placement);

/// Neighbouring words of equal size.
struct WordRange {
  std::uint64_t first = 0;  ///< address of its first cell
  std::uint64_t cells = 1;  ///< of a word
  std::uint64_t words = 0;
  std::uint64_t last() const { return first + cells * words; }
};

/// The address whose bit lies in the cell at `cell` of the range when `degree` words are
/// interleaved; the last block has what words are left. A permutation of the range.
std::uint64_t interleaved_address(const WordRange& range, std::uint64_t degree, std::uint64_t cell);

/// The rotation for the faulty cells of one group of codes, and what significance is lost to it.
class RotationChoice {
 public:
  /// Precondition: 1 <= bits <= 16.
  explicit RotationChoice(int bits) : bits_(bits) {}
  void add(int cell);  ///< a known faulty cell, 0 .. bits - 1
  int best() const;    ///< of equally good rotations the least
  std::uint64_t cost(int rotation) const { return cost_[rotation]; }

 private:
  int bits_;
  std::uint64_t cost_[16] = {};
};

/// Moves the faults of one tensor (codes of `bits` bits from `first_bit` on; ascending addresses,
/// all within it) to the logical bits that their cells hold under the best rotations. They stay
/// ascending.
void rotate_faults(std::span<Fault> faults, std::uint64_t first_bit, int bits, std::uint64_t group);

}  // namespace flatenn
