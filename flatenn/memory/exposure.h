// Exposure: the cells in which faults take effect, chosen by tensor and by bit position.
//
// A pattern is GLOB or GLOB:BITS. GLOB is matched against tensor names ("conv1.*"); BITS is a bit
// position ("3"; 0 is the least significant), an inclusive range of them ("0-2"), or "top", the
// most significant bit of each tensor's format, whatever its width. Commas and bars separate
// patterns where they are listed, so no pattern holds one. Patterns of a list unite. They choose
// within the exposed parts of the memory (memory_parts.h), weights unless said otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/memory/memory_parts.h"
#include "flatenn/quant/codec.h"

namespace flatenn {

/// Where one tensor lies in the memory.
struct StoredTensor {
  std::string name;   ///< NODE.weight, NODE.bias; NODE for an activation buffer
  CodeFormat format;  ///< of biases: 16 bits, two's complement
  std::uint64_t first_bit = 0;
  std::uint64_t elements = 0;
  MemoryPart part = MemoryPart::weights;
  int node = -1;                ///< index in Model::graph
  bool unsigned_words = false;  ///< words are codes 0 .. 2^bits - 1; format.encoding says nothing
  std::uint64_t bits() const { return elements * static_cast<std::uint64_t>(format.bits); }
};

/// A mask on addresses: it never renumbers them.
struct Exposure {
  /// One tensor's addresses [first, last). The cell at first + n is exposed when bit n % bits of
  /// `mask` is set.
  struct Range {
    std::uint64_t first = 0, last = 0;
    int bits = 1;            ///< cells a code, 1 to 31
    std::uint32_t mask = 1;  ///< over the bit positions of a code; not 0, below 2^bits
    bool whole() const { return mask == (std::uint32_t{1} << bits) - 1; }
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> ranges;  ///< ascending, disjoint, at most one a tensor

  /// The number of exposed cells.
  std::uint64_t bits() const;
  bool contains(std::uint64_t address) const;
  bool operator==(const Exposure&) const = default;
};

/// The cells that the patterns choose in the tensors of `parts`; no patterns: all of them. A bit
/// position that a matched tensor lacks chooses nothing in it. Throws Error when a pattern matches
/// no such tensor (naming them), when its BITS are malformed, and when they reach beyond the widest
/// tensor that it matches.
Exposure expose(std::span<const StoredTensor> tensors, std::span<const std::string> patterns,
                MemoryParts parts = {});

/// Whether the pattern has BITS; a colon may also stand in a character class of its GLOB.
bool names_bits(const std::string& pattern);

/// The same choice of cells in any memory, written in one way: sorted, without repetitions,
/// positions of one GLOB united; empty when the list holds "*" (all cells). Throws Error when BITS
/// are malformed.
std::vector<std::string> canonical_patterns(std::span<const std::string> patterns);

/// One pattern a tensor of `parts`, in memory order: each exposed alone is a sweep over layers.
std::vector<std::string> layer_patterns(std::span<const StoredTensor> tensors,
                                        MemoryParts parts = {});

}  // namespace flatenn
