#include "flatenn/memory/placement.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/memory/testing.h"

namespace flatenn {
namespace {

std::string error_of(std::string_view text) {
  return flatenn::error_of([&] { parse_placement(text); });
}

TEST(Placement, ReadsAndWritesItsText) {
  EXPECT_FALSE(parse_placement("").any());
  const Placement placement = parse_placement("interleave:8+protect:2");
  EXPECT_EQ(placement, (Placement{2, 8, 0}));
  EXPECT_EQ(to_string(placement), "protect:2+interleave:8");
  EXPECT_EQ(to_string(parse_placement("rotate:1")), "rotate:1");
  EXPECT_EQ(to_string(parse_placement("rotate:1+skip:8")), "skip:8:128x256+rotate:1");
  EXPECT_EQ(parse_placement("skip:3:15x7").skip, (ColumnSkip{3, 15, 7}));
  EXPECT_EQ(parse_placement("skip:3", Geometry{5, 3, 7}).skip, (ColumnSkip{3, 15, 7}));
  EXPECT_EQ(parse_placement("skip:3:15x7", Geometry{5, 3, 7}).skip, (ColumnSkip{3, 15, 7}));
}

TEST(Placement, RefusesWhatItCannotRead) {
  EXPECT_EQ(error_of("rotat:1"),
            "placement: unknown \"rotat\"; known: skip:N, protect:K, interleave:D, rotate:G");
  EXPECT_EQ(error_of("interleave:1"),
            "placement: interleave should have 2 to 1048576 interleaved words (\"interleave:2\"), "
            "not \"1\"");
  for (const char* text : {"interleave",
                           "interleave:",
                           "interleave:x",
                           "interleave:-2",
                           "interleave:8:8",
                           "interleave:99999999999999999999",
                           "+",
                           "rotate:1+",
                           "+rotate:1",
                           "rotate:1+rotate:2",
                           ":3",
                           "protect:17",
                           "protect:0",
                           "rotate:1+protect:1",
                           "rotate:1 ",
                           "skip",
                           "skip:0",
                           "skip:128",
                           "skip:8:",
                           "skip:8:64",
                           "skip:8:64x",
                           "skip:8:x64",
                           "skip:64:64x8",
                           "skip:1:1x8",
                           "skip:8:64x64x64",
                           "skip:8:9999999x64",
                           "skip::64x64"}) {
    EXPECT_TRUE(error_of(text).starts_with("placement: ")) << text;
  }
  EXPECT_EQ(flatenn::error_of([] { parse_placement("skip:8:64x256", Geometry{}); }),
            "placement and geometry: skip:8:64x256 is for banks of 64 columns and 256 rows, but "
            "word_bits, row_words and rows make them 128 and 256");
}

RC_GTEST_PROP(Placement, InterleavingIsAPermutationThatSpreadsBursts, ()) {
  const WordRange range{*rc::gen::inRange<std::uint64_t>(0, 1000),
                        *rc::gen::inRange<std::uint64_t>(1, 73),
                        *rc::gen::inRange<std::uint64_t>(1, 50)};
  const auto degree = *rc::gen::inRange<std::uint64_t>(2, 20);
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t cell = range.first; cell < range.last(); ++cell) {
    addresses.push_back(interleaved_address(range, degree, cell));
  }
  const std::set<std::uint64_t> distinct(addresses.begin(), addresses.end());
  RC_ASSERT(distinct.size() == addresses.size());
  RC_ASSERT(*distinct.begin() == range.first);
  RC_ASSERT(*distinct.rbegin() == range.last() - 1);
  // Within whole blocks, `degree` neighbouring cells lie in as many words.
  const std::uint64_t block = degree * range.cells;
  for (std::uint64_t i = 0; i + degree <= addresses.size(); ++i) {
    if (i / block != (i + degree - 1) / block) continue;
    if ((i / block + 1) * block > addresses.size()) continue;
    std::set<std::uint64_t> words;
    for (std::uint64_t j = i; j < i + degree; ++j) {
      words.insert((addresses[j] - range.first) / range.cells);
    }
    RC_ASSERT(words.size() == degree);
  }
}

// Writing rotated and reading back: with no faulty cell every rotation gives the code again, and
// with faulty ones the bits that rotate_faults names are the ones that read otherwise.
RC_GTEST_PROP(Placement, RotatedFaultsAreTheLogicalBitsThatTheCellsHold, ()) {
  const int bits = *rc::gen::inRange(2, 17);
  const auto code = *rc::gen::inRange<std::uint32_t>(0, 1u << bits);
  const auto faulty = *rc::gen::inRange<std::uint32_t>(0, 1u << bits);
  const std::uint64_t first_bit = 1000;
  RotationChoice choice(bits);
  std::vector<Fault> faults;
  for (int p = 0; p < bits; ++p) {
    if (faulty >> p & 1) {
      choice.add(p);
      faults.push_back({first_bit + static_cast<unsigned>(p), (p & 1) != 0});
    }
  }
  const auto read = [&](int k, std::uint32_t flipped) {
    std::uint32_t cells = 0, logical = 0;
    for (int b = 0; b < bits; ++b) cells |= (code >> b & 1) << ((b + k) % bits);
    cells ^= flipped;
    for (int b = 0; b < bits; ++b) logical |= (cells >> ((b + k) % bits) & 1) << b;
    return logical;
  };
  std::uint32_t least = 1u << bits;
  for (int k = 0; k < bits; ++k) {
    RC_ASSERT(read(k, 0) == code);
    RC_ASSERT((read(k, faulty) ^ code) == choice.cost(k));
    least = std::min(least, read(k, faulty) ^ code);
  }
  rotate_faults(faults, first_bit, bits, 1);
  std::uint32_t named = 0;
  for (const Fault& fault : faults) named |= 1u << (fault.address - first_bit);
  RC_ASSERT(named == least);
  RC_ASSERT(std::ranges::is_sorted(faults, {}, &Fault::address));
}

TEST(Placement, RotationsSeeKnownFaultsAlone) {
  // The known one moves from the top bit to the lowest, and takes the unknown one along.
  std::vector<Fault> faults = {{0, false, false}, {3, false, true}};
  rotate_faults(faults, 0, 4, 1);
  EXPECT_EQ(faults, (std::vector<Fault>{{0, false, true}, {1, false, false}}));
}

TEST(Placement, AGroupOfCodesSharesItsRotation) {
  // Top cells of two codes of four bits: alone each moves to bit 0, together as well.
  std::vector<Fault> faults = {{3, false}, {7, false}};
  rotate_faults(faults, 0, 4, 2);
  EXPECT_EQ(faults[0].address, 0u);
  EXPECT_EQ(faults[1].address, 4u);
  // Cells 3 and 0 of different codes: k = 3 makes them bits 0 and 1.
  faults = {{3, false}, {4, false}};
  rotate_faults(faults, 0, 4, 2);
  EXPECT_EQ(faults[0].address, 0u);
  EXPECT_EQ(faults[1].address, 5u);
}

}  // namespace
}  // namespace flatenn
