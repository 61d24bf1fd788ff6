#include "flatenn/memory/geometry.h"

#include <string_view>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr std::uint64_t kLongestSide = std::uint64_t{1} << 20;
constexpr std::uint64_t kLargestBank = std::uint64_t{1} << 40;

void check_side(std::string_view name, std::uint64_t side) {
  if (side < 1 || side > kLongestSide) {
    fail("geometry: {} should be 1 to {}, not {}", name, kLongestSide, side);
  }
}

}  // namespace

void check_geometry(const Geometry& geometry) {
  check_side("word_bits", geometry.word_bits);
  check_side("row_words", geometry.row_words);
  check_side("rows", geometry.rows);
  // Each product fits: 2^20 * 2^20, then at most 2^40 * 2^20.
  if (geometry.bank_bits() > kLargestBank) {
    fail("geometry: a bank of {} rows of {} words of {} bits has more than {} cells", geometry.rows,
         geometry.row_words, geometry.word_bits, kLargestBank);
  }
}

PhysicalCell physical_cell(const Geometry& geometry, std::uint64_t address) {
  const std::uint64_t within = address % geometry.bank_bits();
  const std::uint64_t column = within % geometry.row_bits();
  return {address / geometry.bank_bits(), within / geometry.row_bits(), column,
          column / geometry.word_bits, column % geometry.word_bits};
}

std::uint64_t address_of(const Geometry& geometry, const PhysicalCell& cell) {
  FLATENN_ASSERT(cell.row < geometry.rows && cell.column < geometry.row_bits());
  return cell.bank * geometry.bank_bits() + cell.row * geometry.row_bits() + cell.column;
}

}  // namespace flatenn
