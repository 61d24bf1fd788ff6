// MemoryImage: all stored codes of a network as one bit-addressed memory.
//
// A cell's address is its running bit number over all stored codes: all weight tensors in graph
// order, elements row-major, least significant bit first, nothing between them. Whatever else is
// stored one day (biases as 16-bit codes) follows after the last weight tensor, so no address ever
// changes its meaning. What is exposed to faults is a mask on addresses and never renumbers them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/graph/model.h"
#include "flatenn/memory/exposure.h"
#include "flatenn/memory/fault_map.h"

namespace flatenn {

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

/// What applying a fault map did: enough to undo it exactly. Use one object again and again: its
/// vectors keep their capacity.
struct AppliedFaults {
  std::uint64_t faulty_bits = 0;       ///< cells of the map within the exposure, changed or not
  std::vector<std::uint64_t> changed;  ///< addresses whose bit differs now, ascending
  std::vector<CodeWrite> writes;       ///< the touched codes, new values, ascending
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

  /// All cells.
  Exposure expose_all() const { return expose({}); }
  /// The cells that the patterns choose ("conv1.*", "*:top"; none: all): see exposure.h, which also
  /// says what throws Error.
  Exposure expose(std::span<const std::string> patterns) const;

  /// Corrupts the exposed cells of `faults` (ascending addresses below bits(): a map drawn for this
  /// memory). O(faults in the exposed tensors); allocates nothing once the vectors of `applied`
  /// have grown. The stuck kinds are idempotent, flips are not. What `applied` held before is
  /// forgotten.
  void apply(std::span<const Fault> faults, FaultKind kind, const Exposure& exposure,
             AppliedFaults& applied);
  /// Restores what apply changed: applied.writes become the restored codes, applied.changed becomes
  /// empty (read the counts before). Maps applied on top of each other are undone in reverse order.
  void undo(AppliedFaults& applied);

  /// Hash of all stored bits and their layout.
  std::string hash() const;

 private:
  /// What the format of a tensor costs time to compute.
  struct Lookup {
    std::array<std::int8_t, 256> code;  ///< of each word
    std::uint64_t reciprocal;  ///< ceil(2^64 / bits): its product's upper half divides by bits
  };

  std::uint8_t word(std::uint64_t first_bit, int bits) const;
  void write_code(std::uint64_t address, std::size_t& tensor, std::vector<CodeWrite>& writes) const;
  void toggle(std::uint64_t address) { words_[address >> 6] ^= std::uint64_t{1} << (address & 63); }

  std::vector<StoredTensor> tensors_;
  std::vector<Lookup> lookups_;       ///< one a tensor
  std::vector<std::uint64_t> words_;  ///< and one more, so that reads may overlap
  std::uint64_t bits_ = 0;
};

}  // namespace flatenn
