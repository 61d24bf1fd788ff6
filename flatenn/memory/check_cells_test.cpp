#include "flatenn/memory/check_cells.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace flatenn {
namespace {

CheckCells cells_of(const MemoryLayout& memory, std::string_view guard) {
  return CheckCells(memory, parse_guard(guard));
}

TEST(CheckCells, WithoutAGuardThereAreNone) {
  const MemoryLayout memory = MemoryLayout::parse("a 100x8, b 10x4");
  const CheckCells cells(memory, {});
  EXPECT_EQ(cells.end(), memory.bits());
  ASSERT_EQ(cells.tensors().size(), 2u);
  for (const GuardedTensor& tensor : cells.tensors()) {
    EXPECT_EQ(tensor.voted_bits() + tensor.check_bits(), 0u);
    EXPECT_EQ(tensor.words, tensor.elements);
  }
}

/// 840 cells; then the copies of both tensors, then the check bits of both.
TEST(CheckCells, FollowTheMemoryCopiesFirst) {
  const CheckCells cells = cells_of(MemoryLayout::parse("a 100x8, b 10x4"), "tmr:1+secded:64");
  const GuardedTensor &a = cells.tensors()[0], &b = cells.tensors()[1];
  EXPECT_EQ(a.first_bit, 0u);
  EXPECT_EQ(b.first_bit, 800u);
  EXPECT_EQ(a.codes_per_word, 8u);
  EXPECT_EQ(b.codes_per_word, 16u);
  EXPECT_EQ(a.words, 13u) << "the last one has four codes";
  EXPECT_EQ(b.words, 1u);
  EXPECT_EQ(a.voted_first, 840u);
  EXPECT_EQ(a.voted_bits(), 200u);
  EXPECT_EQ(b.voted_first, 1040u);
  EXPECT_EQ(b.voted_bits(), 20u);
  EXPECT_EQ(a.check_first, 1060u);
  EXPECT_EQ(a.check_bits(), 13u * 8);
  EXPECT_EQ(b.check_first, 1164u);
  EXPECT_EQ(b.check_bits(), 8u);
  EXPECT_EQ(cells.end(), 1172u);
}

TEST(CheckCells, GuardWhatTheMemoryExposes) {
  const std::string_view text = "a 8x8, a.bias 4x16b, act 10x4a";
  const CheckCells weights = cells_of(MemoryLayout::parse(text), "parity:16");
  ASSERT_EQ(weights.tensors().size(), 1u);
  const CheckCells biases = cells_of(MemoryLayout::parse(text, {false, true, false}), "parity:16");
  ASSERT_EQ(biases.tensors().size(), 1u);
  EXPECT_EQ(biases.tensors()[0].tensor, 1u);
  EXPECT_EQ(biases.tensors()[0].words, 4u);
  const CheckCells both = cells_of(MemoryLayout::parse(text, {true, true, true}), "parity:16");
  ASSERT_EQ(both.tensors().size(), 3u);
  EXPECT_EQ(both.tensors()[2].words, 3u) << "the last one has two codes";
}

/// What may be interleaved is ascending, does not overlap, and leaves out words that are cut short.
RC_GTEST_PROP(CheckCells, WordRangesAreApart, ()) {
  const auto a = *rc::gen::inRange(1, 200), b = *rc::gen::inRange(1, 200);
  const MemoryLayout memory = MemoryLayout::parse(fmt::format("a {}x8, b {}x4", a, b));
  const auto guard =
      *rc::gen::element<std::string>("", "secded:64", "parity:8", "tmr:2", "tmr:1+secded:16");
  const CheckCells cells = cells_of(memory, guard);
  std::uint64_t at = 0;
  for (const WordRange& range : cells.word_ranges()) {
    RC_ASSERT(range.first >= at);
    RC_ASSERT(range.cells > 0u);
    at = range.last();
  }
  RC_ASSERT(at <= cells.end());
  for (const GuardedTensor& tensor : cells.tensors()) {
    const auto ranges = cells.word_ranges();
    const auto data = std::ranges::find(ranges, tensor.first_bit, &WordRange::first);
    RC_ASSERT(data != ranges.end());
    RC_ASSERT(tensor.data_bits() - data->cells * data->words < tensor.word_bits());
  }
}

}  // namespace
}  // namespace flatenn
