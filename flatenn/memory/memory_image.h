// MemoryImage: all stored codes of a network as one bit-addressed memory.
//
// A cell's address is its running bit number over all stored codes: weight tensors in graph order,
// elements row-major, least significant bit first. What is exposed to faults is a mask on addresses
// and never renumbers them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/graph/model.h"
#include "flatenn/memory/fault_map.h"

namespace flatenn {

/// Where one tensor lies in the memory.
struct StoredTensor {
  std::string name;
  CodeFormat format;
  std::uint64_t first_bit = 0;
  std::uint64_t elements = 0;
  std::uint64_t bits() const { return elements * static_cast<std::uint64_t>(format.bits); }
};

/// One cell by its logical place.
struct Cell {
  int tensor = 0;
  std::uint64_t element = 0;
  int bit = 0;  ///< 0 = least significant
  bool operator==(const Cell&) const = default;
};

/// A changed weight: what an evaluator has to be told.
struct CodeWrite {
  int tensor = 0;  ///< index in Model::weights
  std::int64_t element = 0;
  std::int8_t code = 0;
  bool operator==(const CodeWrite&) const = default;
};

/// Sorted, disjoint address ranges [first, last) in which faults take effect.
struct Exposure {
  struct Range {
    std::uint64_t first = 0, last = 0;
  };
  std::vector<Range> ranges;
  std::uint64_t bits() const;
};

/// What applying a fault map did: enough to undo it exactly.
struct AppliedFaults {
  std::uint64_t faulty_bits = 0;        ///< cells of the map within the exposure
  std::vector<std::uint64_t> changed;   ///< addresses whose bit differs now, ascending
  std::vector<CodeWrite> writes;        ///< the touched codes, new values, ascending
};

class MemoryImage {
 public:
  explicit MemoryImage(const Model& model);

  std::uint64_t bits() const { return bits_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }

  Cell cell(std::uint64_t address) const;         ///< precondition: address < bits()
  std::uint64_t address(const Cell& cell) const;  ///< inverse of cell()
  bool bit(std::uint64_t address) const { return words_[address >> 6] >> (address & 63) & 1; }
  std::int8_t code(int tensor, std::uint64_t element) const;

  /// All weight tensors, or those whose names match one of the glob patterns ("conv1.*"). Throws
  /// Error with the tensor names when a pattern matches none.
  Exposure expose_all() const;
  Exposure expose(std::span<const std::string> patterns) const;

  /// Corrupts the exposed cells of `faults` (ascending addresses). O(faults); reuses the vectors of
  /// `applied`. stuck kinds are idempotent; flips are not.
  void apply(std::span<const Fault> faults, FaultKind kind, const Exposure& exposure,
             AppliedFaults& applied);
  /// Restores what apply changed and replaces applied.writes by the restored codes.
  void undo(AppliedFaults& applied);

  /// Hash of all stored bits and their layout.
  std::string hash() const;

 private:
  void collect_writes(AppliedFaults& applied) const;

  std::vector<StoredTensor> tensors_;
  std::vector<std::uint64_t> words_;
  std::uint64_t bits_ = 0;
};

}  // namespace flatenn
