// Geometry: how the cells of a memory are arranged in words, rows and banks, which decides what a
// broken line takes with it.
//
// A bank is `rows` word lines across row_words * word_bits bit lines. The physical cell is the
// logical address counted through it: along the words of a row, row by row, bank by bank. Another
// placement (bits of one word interleaved over a row, rows remapped) would go between the two.
#pragma once

#include <cstdint>

namespace flatenn {

struct Geometry {
  std::uint64_t word_bits = 32;  ///< cells read together
  std::uint64_t row_words = 4;   ///< words along one word line
  std::uint64_t rows = 256;      ///< word lines of one bank: cells along one bit line

  std::uint64_t row_bits() const { return row_words * word_bits; }
  std::uint64_t bank_bits() const { return rows * row_bits(); }
  bool operator==(const Geometry&) const = default;
};

/// Throws Error unless each side is 1 to 2^20 and a bank has at most 2^40 cells.
void check_geometry(const Geometry& geometry);

/// One cell by its physical place.
struct PhysicalCell {
  std::uint64_t bank = 0;
  std::uint64_t row = 0;     ///< within the bank
  std::uint64_t column = 0;  ///< along the row: word * word_bits + bit
  std::uint64_t word = 0;    ///< along the row
  std::uint64_t bit = 0;     ///< within the word, 0 = lowest address
  bool operator==(const PhysicalCell&) const = default;
};

/// The place of a cell. Precondition: a checked geometry.
PhysicalCell physical_cell(const Geometry& geometry, std::uint64_t address);
/// Its inverse; reads bank, row and column. Precondition: row < rows, column < row_bits().
std::uint64_t address_of(const Geometry& geometry, const PhysicalCell& cell);

}  // namespace flatenn
