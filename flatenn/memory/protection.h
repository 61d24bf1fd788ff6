// Protection: everything that stands between stored codes and the weights that are read,
//
//     read(w) = guard(decode(fault(place(encode(w)))))
//
// as one value: headroom (of encode), placement, guard. It protects what faults reach: weights,
// biases, activation buffers; headroom and bounds are of weights.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flatenn/memory/guard.h"
#include "flatenn/memory/layout.h"
#include "flatenn/memory/placement.h"

namespace flatenn {

struct Protection {
  double headroom = 1;  ///< headroom.h
  Placement placement = {};
  Guard guard = {};

  bool any() const { return *this != Protection{}; }
  bool operator==(const Protection&) const = default;
};

/// Canonical: "headroom:2+interleave:8+secded:64"; "" is none. It goes into keys of stored results.
std::string to_string(const Protection& protection);
/// Its inverse. Throws Error for any other text.
Protection parse_protection(std::string_view text);
/// As people write it: parts in any order, and numbers as they like. `geometry`: as for
/// parse_placement. Throws Error naming `headroom`, `placement` or `guard`.
Protection read_protection(std::string_view text, const std::optional<Geometry>& geometry = {});

/// Throws Error, naming the settings that contradict each other, unless the memory can be protected
/// so: words that the codes of a tensor do not fill, more protected or voted bits than a code has,
/// a bound where no weights are.
void check_protection(const Protection& protection, const MemoryLayout& memory);
/// Throws Error, naming `kinds` and `guard`, for stuck cells in activation buffers with a word
/// code: what such a word reads depends on what is written there for each image, and evaluators
/// know buffers whose words are read as if their bits were kept, inverted or constant.
void check_kind(const Protection& protection, const MemoryParts& parts, FaultKind kind);

/// All cells of a memory so protected: what fault maps are drawn for. Precondition:
/// check_protection accepts.
std::uint64_t protected_cells(const Protection& protection, const MemoryLayout& memory);

/// What a protection costs a memory, in bits.
struct ProtectionCost {
  std::uint64_t data = 0;      ///< of the codes it protects
  std::uint64_t check = 0;     ///< copies and check bits, in cells that fail as all others do
  std::uint64_t metadata = 0;  ///< rotations, kept with the map of the chip: free of faults
  std::uint64_t skipped = 0;  ///< cells that hold nothing: skipped columns, the end of the last row
  std::uint64_t hardened = 0;  ///< of the data, in cells that never fail

  std::uint64_t stored() const { return data + check + metadata + skipped; }
  /// Stored beside the data, percent of it.
  double overhead() const;
  /// Percent of the cells that reading the data takes that are data, at a port of one width: what
  /// is left of the throughput.
  double throughput() const;
  bool operator==(const ProtectionCost&) const = default;
};

/// Precondition: check_protection accepts.
ProtectionCost protection_cost(const Protection& protection, const MemoryLayout& memory);

}  // namespace flatenn
