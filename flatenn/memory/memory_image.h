// MemoryImage: what a network's memories hold, at the addresses of their MemoryLayout (layout.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/graph/model.h"
#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/layout.h"

namespace flatenn {

/// A changed weight: what an evaluator has to be told.
struct CodeWrite {
  int tensor = 0;  ///< index in Model::weights
  std::int64_t element = 0;
  std::int8_t code = 0;
  bool operator==(const CodeWrite&) const = default;
};

/// A changed bias, read as the float that its code stands for.
struct AddendWrite {
  int node = 0;  ///< index in Model::graph
  int channel = 0;
  float value = 0;
  bool operator==(const AddendWrite&) const = default;
};

/// Faulty cells under one word of an activation buffer. What the network writes there, for every
/// image, is read as (word & keep) ^ toggle. Words: codes of an activation node as they are, those
/// of a quantize node in two's complement; of the node's bits.
struct BufferFault {
  int node = 0;                ///< index in Model::graph
  std::int64_t element = 0;    ///< row-major channels x height x width
  std::uint8_t keep = 0xff;    ///< a 0 bit is stuck; 1 above the node's bits
  std::uint8_t toggle = 0x00;  ///< inverts a kept bit, is the value of a stuck one; 0 above
  bool operator==(const BufferFault&) const = default;
};

/// What applying a fault map did: enough to undo it exactly. Use one object again and again: its
/// vectors keep their capacity.
struct AppliedFaults {
  std::uint64_t faulty_bits = 0;   ///< cells of the map within the exposure, changed or not
  std::uint64_t changed_bits = 0;  ///< of these, cells of weights and biases that read otherwise
  /// Addresses of weights and biases whose bit differs now, ascending. Whether a faulty cell of a
  /// buffer changes what is read depends on the image; those are counted in faulty_bits alone.
  std::vector<std::uint64_t> changed;
  std::vector<CodeWrite> writes;     ///< the touched weights, new values, ascending
  std::vector<AddendWrite> addends;  ///< the touched biases, new values, ascending
  std::vector<BufferFault> buffers;  ///< all faulty words of buffers, ascending
};

class MemoryImage {
 public:
  /// The memory up to the last of `parts` that are exposed. Preconditions, for more than weights:
  /// check_model accepts the model, and where biases are exposed it is one of with_coded_biases.
  explicit MemoryImage(const Model& model, MemoryParts parts = {});

  const MemoryLayout& layout() const { return layout_; }
  const MemoryParts& parts() const { return layout_.parts(); }
  std::uint64_t bits() const { return layout_.bits(); }
  const std::vector<StoredTensor>& tensors() const { return layout_.tensors(); }
  Cell cell(std::uint64_t address) const { return layout_.cell(address); }
  std::uint64_t address(const Cell& cell) const { return layout_.address(cell); }

  /// Of weights and biases: buffers hold nothing between images.
  bool bit(std::uint64_t address) const { return words_[address >> 6] >> (address & 63) & 1; }
  /// The `count` (1 to 64) bits from an address on, the first one lowest.
  std::uint64_t stored(std::uint64_t first, int count) const;
  std::int8_t code(int tensor, std::uint64_t element) const;  ///< of a weight
  float addend(int tensor, std::uint64_t channel) const;      ///< what a bias reads

  Exposure expose(std::span<const std::string> patterns) const { return layout_.expose(patterns); }
  Exposure expose_all() const { return expose({}); }

  /// Corrupts the exposed cells of `faults` (ascending addresses below bits(): a map drawn for this
  /// memory; an exposure of its own). O(faults in the exposed tensors); allocates nothing once the
  /// vectors of `applied` have grown. The stuck kinds are idempotent, flips are not. What `applied`
  /// held before is forgotten.
  void apply(std::span<const Fault> faults, FaultKind kind, const Exposure& exposure,
             AppliedFaults& applied);
  /// Restores what apply changed: applied.writes and applied.addends become the restored values,
  /// applied.changed and applied.buffers become empty (read the counts before). Maps applied on top
  /// of each other are undone in reverse order; faults of buffers belong to one map each.
  void undo(AppliedFaults& applied);

  /// Hash of all stored bits and of the layout.
  std::string hash() const;

 private:
  /// What the format of a tensor costs time to compute.
  struct Lookup {
    std::array<std::int8_t, 256> code;  ///< of each word; weights only
    double scale = 0;                   ///< biases only
    std::uint64_t reciprocal;  ///< ceil(2^64 / bits): its product's upper half divides by bits
  };

  void store_weights(const Model& model);
  void store_biases(const Model& model);
  void store(std::uint64_t address, std::uint64_t word, int bits);
  std::uint64_t word(std::uint64_t first_bit, int bits) const;
  std::uint64_t element_at(std::uint64_t address, std::size_t tensor) const;
  template <MemoryPart part>
  std::size_t apply_to_stored(std::span<const Fault> faults, FaultKind kind,
                              const Exposure::Range& range, std::size_t tensor,
                              AppliedFaults& applied);
  std::size_t apply_to_buffer(std::span<const Fault> faults, FaultKind kind,
                              const Exposure::Range& range, std::size_t tensor,
                              AppliedFaults& applied) const;
  void write_code(std::uint64_t address, std::size_t tensor, std::vector<CodeWrite>& writes) const;
  void write_addend(std::uint64_t address, std::size_t tensor,
                    std::vector<AddendWrite>& addends) const;
  std::size_t restore(const std::vector<std::uint64_t>& changed, std::size_t first,
                      std::uint64_t first_bit, int bits);
  void toggle(std::uint64_t address) { words_[address >> 6] ^= std::uint64_t{1} << (address & 63); }

  MemoryLayout layout_;
  std::uint64_t stored_bits_;         ///< of weights and biases
  std::vector<Lookup> lookups_;       ///< one a tensor
  std::vector<std::uint64_t> words_;  ///< and one more, so that reads may overlap
};

}  // namespace flatenn
