// FaultSource: where the faulty cells of a map come from.
//
// | source | what fails                                   | share of faulty cells |
// |--------|----------------------------------------------|-----------------------|
// | cells  | each cell on its own (fault_map.h)           | rate                  |
// | burst  | N neighbouring addresses, starts independent | rate                  |
// | word   | each word of the geometry on its own         | rate                  |
// | row    | each word line on its own                    | rate                  |
// | column | each bit line of each bank on its own        | rate                  |
// | bank   | each bank on its own                         | rate                  |
// | chip   | cells, most on weak bit lines (chip_profile.h)| rate                 |
// | single | one cell: the one whose address is the map id| 1 / bits              |
// | file   | the cells that a file lists                  | that of the file      |
//
// All but the last two are nested in the rate, coins included, and a memory's cells below an
// address do not depend on how many follow. docs/faults.md has the definitions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/fault_map_file.h"
#include "flatenn/memory/geometry.h"

namespace flatenn {

enum class FaultSourceKind { cells, burst, word, row, column, bank, chip, single, file };

struct FaultSource {
  FaultSourceKind kind = FaultSourceKind::cells;
  std::uint64_t burst = 1;                        ///< burst: cells of one, 1 to 2^20
  Geometry geometry = {};                         ///< word, row, column, bank, chip
  int chip = 1;                                   ///< chip: profile 1 to 3
  std::shared_ptr<const FaultMapFile> file = {};  ///< file

  /// Whether the cells depend on the rate; where not, it is ignored.
  bool uses_rate() const {
    return kind != FaultSourceKind::single && kind != FaultSourceKind::file;
  }
};

/// What settles the cells, with everything that does and nothing that does not; it goes into keys
/// of stored results: "" (cells), "burst 4", "word 32", "row 128", "column 128x256" (cells of a row
/// x rows of a bank), "bank 32768", "chip 2 128x256", "single", "file HASH".
std::string to_string(const FaultSource& source);

/// "cells", "burst:N", "word", "row", "column", "bank", "chip:1", "chip:2", "chip:3", "single",
/// "file:PATH" (reads the file). Throws Error with what would be right, and as check_geometry and
/// read_fault_map_file do.
FaultSource parse_fault_source(std::string_view text, const Geometry& geometry = {});

/// Throws Error unless maps `first_map` .. first_map + maps - 1 can be drawn for a memory of `bits`
/// cells: an absurd geometry, a file for another memory (both sizes named), single cells beyond the
/// memory.
void check_fault_source(const FaultSource& source, std::uint64_t bits, std::uint64_t first_map,
                        std::uint64_t maps);

/// The cells of map `map` of a memory of `bits` cells at `rate` into `faults`: ascending, distinct.
/// A word, row, column or bank has one coin for all its cells (a broken line is tied to one rail);
/// others have their own; a file gives the values. All are known to a test but a share of those of
/// chips. O(faults), for chips + bit lines; allocates nothing once `faults` and a buffer kept per
/// thread have grown. Throws Error unless 0 <= rate <= 1 where
/// it is used, and as check_fault_source. Precondition: bits < 2^48 - 2^20.
void draw_faults(const FaultSource& source, std::uint64_t seed, std::uint64_t map,
                 std::uint64_t bits, double rate, std::vector<Fault>& faults);

/// The probability with which each start of a burst of `length` cells must be drawn so that a cell
/// is covered with probability `rate`: 1 - (1 - rate)^(1 / length). Never falls when the rate
/// grows, and the same on every processor. Precondition: 0 <= rate <= 1, length >= 1.
double burst_start_rate(double rate, std::uint64_t length);

}  // namespace flatenn
