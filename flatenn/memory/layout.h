// MemoryLayout: where everything lies in a network's memory, without what it holds: cheap to make,
// and one line of text that stays with what was measured.
//
// A cell's address is its running bit number, nothing between words, least significant bit first:
//   1. all weight tensors in graph order, elements row-major;
//   2. the biases of these layers and of channel_affine and group_norm nodes in graph order, one
//      16-bit code a channel (bias_codes.h);
//   3. the buffers of all activation and quantize nodes in graph order, elements channels x height
//      x width, row-major.
// No address ever changes its meaning: a memory whose biases are exposed has the weights before
// them, exposed or not, and one with activation buffers has both. What is exposed to faults is a
// mask on addresses and never renumbers them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/graph/model.h"
#include "flatenn/memory/exposure.h"
#include "flatenn/memory/memory_parts.h"

namespace flatenn {

/// One cell by its logical place.
struct Cell {
  int tensor = 0;
  std::uint64_t element = 0;
  int bit = 0;  ///< 0 = least significant
  bool operator==(const Cell&) const = default;
};

class MemoryLayout {
 public:
  /// The memory up to the last of `parts` that are exposed. Precondition, for more than weights:
  /// check_model accepts the model.
  explicit MemoryLayout(const Model& model, MemoryParts parts = {});

  /// The layout that text() tells. Encodings and nodes are not part of the text and have their
  /// defaults. Throws Error for any other text, repeated names and 2^48 bits or more included.
  static MemoryLayout parse(std::string_view text, MemoryParts parts = {});
  /// "conv1.weight 150x4, conv1.bias 6x16b, act1 4704x4a": name, elements x bits of a word, and the
  /// part of the memory where that is not the weights (b: biases, a: activations), in memory order.
  std::string text() const;

  const MemoryParts& parts() const { return parts_; }
  std::uint64_t bits() const { return bits_; }
  /// Of weights and biases: buffers come last and hold nothing between images.
  std::uint64_t stored_bits() const;
  const std::vector<StoredTensor>& tensors() const { return tensors_; }

  Cell cell(std::uint64_t address) const;         ///< precondition: address < bits()
  std::uint64_t address(const Cell& cell) const;  ///< inverse of cell()

  /// The cells of parts() that the patterns choose ("conv1.*", "*:top"; none: all): see exposure.h,
  /// which also says what throws Error.
  Exposure expose(std::span<const std::string> patterns) const;

 private:
  MemoryLayout() = default;
  void place(StoredTensor tensor);

  MemoryParts parts_;
  std::vector<StoredTensor> tensors_;
  std::uint64_t bits_ = 0;
};

}  // namespace flatenn
