#include "flatenn/memory/column_skip.h"

#include <algorithm>
#include <numeric>

#include "flatenn/base/error.h"

namespace flatenn {

std::uint64_t cells_with_skipped(const ColumnSkip& skip, std::uint64_t cells) {
  if (!skip.any()) return cells;
  const std::uint64_t used = skip.columns - skip.skipped;
  return (cells + used - 1) / used * skip.columns;
}

void skip_columns(const ColumnSkip& skip, std::uint64_t cells, std::span<const Fault> faults,
                  std::vector<Fault>& kept) {
  FLATENN_ASSERT(skip.any() && skip.skipped < skip.columns);
  constexpr std::uint64_t unused = ~std::uint64_t{0};
  const std::uint64_t used = skip.columns - skip.skipped, bank_bits = skip.columns * skip.rows;
  thread_local std::vector<std::uint64_t> known, worst, place;
  kept.clear();
  for (auto first = faults.begin(); first != faults.end();) {
    const std::uint64_t bank = first->address / bank_bits;
    known.assign(skip.columns, 0);
    auto last = first;
    for (; last != faults.end() && last->address / bank_bits == bank; ++last) {
      known[last->address % skip.columns] += last->known;
    }
    worst.resize(skip.columns);
    std::iota(worst.begin(), worst.end(), 0);
    std::ranges::partial_sort(worst, worst.begin() + static_cast<std::ptrdiff_t>(skip.skipped),
                              [](std::uint64_t a, std::uint64_t b) {
                                return known[a] != known[b] ? known[a] > known[b] : a < b;
                              });
    place.assign(skip.columns, 0);
    for (std::uint64_t i = 0; i < skip.skipped; ++i) place[worst[i]] = unused;
    std::uint64_t next = 0;
    for (std::uint64_t& column : place) {
      if (column != unused) column = next++;
    }
    for (; first != last; ++first) {
      const std::uint64_t column = place[first->address % skip.columns];
      if (column == unused) continue;
      const std::uint64_t cell = first->address / skip.columns * used + column;
      if (cell < cells) kept.push_back({cell, first->coin, first->known});
    }
  }
}

}  // namespace flatenn
