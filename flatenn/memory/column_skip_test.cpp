#include "flatenn/memory/column_skip.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "flatenn/memory/testing.h"

namespace flatenn {
namespace {

std::vector<Fault> skipped(const ColumnSkip& skip, std::uint64_t cells,
                           const std::vector<Fault>& faults) {
  std::vector<Fault> kept;
  skip_columns(skip, cells, faults, kept);
  return kept;
}

TEST(ColumnSkip, LeavesOutTheColumnsWithTheMostKnownFaults) {
  // Two banks of two rows and four columns; one column of each holds nothing.
  const ColumnSkip skip{1, 4, 2};
  EXPECT_EQ(cells_with_skipped(skip, 12), 16u);
  EXPECT_EQ(cells_with_skipped(skip, 10), 16u);  // whole rows
  EXPECT_EQ(cells_with_skipped({}, 10), 10u);
  // Column 2 of the first bank has two faults. Column 1 of the second has two that nobody knows,
  // column 3 one that is known.
  const std::vector<Fault> faults = {{0, true},        {2, true},  {6, false},       {7, false},
                                     {9, true, false}, {11, true}, {13, true, false}};
  EXPECT_EQ(skipped(skip, 12, faults),
            (std::vector<Fault>{{0, true}, {5, false}, {7, true, false}, {10, true, false}}));
  // Cells behind the last one hold nothing either.
  EXPECT_EQ(skipped(skip, 10, faults),
            (std::vector<Fault>{{0, true}, {5, false}, {7, true, false}}));
  // Of equally faulty columns the first.
  EXPECT_EQ(skipped(skip, 6, {{1, false}, {3, false}}), (std::vector<Fault>{{2, false}}));
}

// Every bank loses its worst columns: no column left has more known faults than one left out.
RC_GTEST_PROP(ColumnSkip, IsTheBestChoiceOfEveryBank, ()) {
  const ColumnSkip skip{*rc::gen::inRange<std::uint64_t>(1, 9), 9 + *rc::gen::inRange(1u, 8u),
                        *rc::gen::inRange<std::uint64_t>(1, 20)};
  const auto cells = *rc::gen::inRange<std::uint64_t>(1, 2000);
  auto faults = draw(*rc::gen::inRange<std::uint64_t>(0, 1000), cells_with_skipped(skip, cells),
                     *rc::gen::element(0.01, 0.1, 0.6));
  for (Fault& fault : faults) fault.known = *rc::gen::arbitrary<bool>();
  const std::uint64_t bank_bits = skip.columns * skip.rows, used = skip.columns - skip.skipped;
  std::vector<Fault> expected;
  for (std::uint64_t bank = 0; bank * bank_bits < cells_with_skipped(skip, cells); ++bank) {
    std::vector<std::uint64_t> columns(skip.columns), known(skip.columns);
    for (std::uint64_t c = 0; c < skip.columns; ++c) columns[c] = c;
    for (const Fault& fault : faults) {
      if (fault.address / bank_bits == bank && fault.known) ++known[fault.address % skip.columns];
    }
    std::ranges::stable_sort(columns, std::ranges::greater(), [&](auto c) { return known[c]; });
    const std::set<std::uint64_t> left(columns.begin() + static_cast<std::ptrdiff_t>(skip.skipped),
                                       columns.end());
    for (const Fault& fault : faults) {
      const std::uint64_t column = fault.address % skip.columns;
      if (fault.address / bank_bits != bank || !left.contains(column)) continue;
      const auto rank = static_cast<std::uint64_t>(std::distance(left.begin(), left.find(column)));
      const std::uint64_t cell = fault.address / skip.columns * used + rank;
      if (cell < cells) expected.push_back({cell, fault.coin, fault.known});
    }
  }
  RC_ASSERT(skipped(skip, cells, faults) == expected);
}

}  // namespace
}  // namespace flatenn
