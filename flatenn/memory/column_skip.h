// ColumnSkip: bit lines that a memory leaves unused, because a test of the chip found them faulty.
//
// Each bank has `columns` bit lines across `rows` word lines (geometry.h); the `skipped` of them
// with the most known faulty cells, of equally faulty ones the first, hold nothing, and the cells
// of the memory follow each other along the others. So every bank loses as many columns, and
// reading takes columns / (columns - skipped) times as many rows. After RescueSNN, which leaves
// faulty columns of an engine out (R. V. W. Putra, M. A. Hanif, M. Shafique, Frontiers in
// Neuroscience 2023, arXiv 2304.04041).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/geometry.h"

namespace flatenn {

struct ColumnSkip {
  std::uint64_t skipped = 0;  ///< of a bank, below `columns`; 0: none
  std::uint64_t columns = 0;  ///< bit lines of a bank
  std::uint64_t rows = 0;     ///< word lines of a bank

  bool any() const { return skipped > 0; }
  bool operator==(const ColumnSkip&) const = default;
};

/// Cells of a memory that holds `cells`, in whole rows where columns are skipped.
std::uint64_t cells_with_skipped(const ColumnSkip& skip, std::uint64_t cells);

/// The faults among the cells in use, ascending, numbered as if there were no others.
/// Preconditions: `faults` ascend and lie below cells_with_skipped(skip, cells); `kept` is another
/// vector; skip.any().
void skip_columns(const ColumnSkip& skip, std::uint64_t cells, std::span<const Fault> faults,
                  std::vector<Fault>& kept);

}  // namespace flatenn
