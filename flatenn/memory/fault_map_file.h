// FaultMapFile: the faulty cells of one memory as a text file, for maps that were measured on a
// chip or made by other programs. Format, version 1 (docs/formats.md):
//
//     flatenn-fault-map 1 4000     (the memory has 4,000 cells)
//     # comments and empty lines may stand anywhere below
//     17                           (cell 17 is faulty; where stuck, it reads 1)
//     203 0                        (cell 203 is faulty; where stuck, it reads 0)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/memory/fault_map.h"

namespace flatenn {

struct FaultMapFile {
  std::uint64_t bits = 0;     ///< cells of the memory, 1 to 2^48 - 1
  std::vector<Fault> faults;  ///< ascending, distinct, below `bits`; the coin is the value read
  bool operator==(const FaultMapFile&) const = default;

  /// Of the canonical text: equal maps, equal hashes, whatever the order of lines and comments.
  std::string hash() const;
};

/// The canonical text: ascending, the value always written, no comments.
std::string serialize_fault_map(const FaultMapFile& map);
/// Lines may end in CRLF and stand in any order. Throws Error "NAME:LINE: what is wrong": no first
/// line, another version, an absurd size, no number, an address beyond the memory, a cell that
/// stands twice.
FaultMapFile parse_fault_map(std::string_view text, std::string_view name);

/// Up to 1 GiB. Throws Error as parse_fault_map and read_text_file do.
FaultMapFile read_fault_map_file(const std::filesystem::path& path);
/// Atomic. Throws Error as write_file does. Precondition: the map is what FaultMapFile says.
void write_fault_map_file(const std::filesystem::path& path, const FaultMapFile& map);

}  // namespace flatenn
