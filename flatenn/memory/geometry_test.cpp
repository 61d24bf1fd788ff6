#include "flatenn/memory/geometry.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

TEST(Geometry, CountsThroughWordsRowsAndBanks) {
  const Geometry geometry{3, 2, 4};
  std::uint64_t address = 0;
  for (std::uint64_t bank = 0; bank < 3; ++bank) {
    for (std::uint64_t row = 0; row < 4; ++row) {
      for (std::uint64_t word = 0; word < 2; ++word) {
        for (std::uint64_t bit = 0; bit < 3; ++bit, ++address) {
          const PhysicalCell cell{bank, row, 3 * word + bit, word, bit};
          EXPECT_EQ(physical_cell(geometry, address), cell) << address;
          EXPECT_EQ(address_of(geometry, cell), address);
        }
      }
    }
  }
  EXPECT_THROW(address_of(geometry, {0, 4, 0, 0, 0}), InternalError);
  EXPECT_THROW(address_of(geometry, {0, 0, 6, 2, 0}), InternalError);
}

TEST(Geometry, Defaults) {
  const Geometry geometry;
  check_geometry(geometry);
  EXPECT_EQ(geometry.row_bits(), 128u);
  EXPECT_EQ(geometry.bank_bits(), 32768u);
  // By hand: 100000 = 3 * 32768 + 1696; 1696 = 13 * 128 + 32.
  EXPECT_EQ(physical_cell(geometry, 100000), (PhysicalCell{3, 13, 32, 1, 0}));
}

TEST(Geometry, AbsurdSizesAreRefused) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  check_geometry({1, 1, 1});
  check_geometry({kMost, kMost, 1});
  for (const Geometry& geometry :
       {Geometry{0, 4, 256}, Geometry{32, 0, 256}, Geometry{32, 4, 0}, Geometry{kMost + 1, 1, 1},
        Geometry{1, ~std::uint64_t{0}, 1}, Geometry{1, 1, kMost + 1}, Geometry{kMost, kMost, 2},
        Geometry{kMost, kMost, kMost}}) {
    EXPECT_THROW(check_geometry(geometry), Error);
  }
  try {
    check_geometry({32, 0, 256});
    FAIL() << "a row without words was accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "geometry: row_words should be 1 to 1048576, not 0");
  }
}

}  // namespace
}  // namespace flatenn
