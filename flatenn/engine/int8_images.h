// Images prepared for Int8Evaluator: the whole dataset as cells, once, shared by all clones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flatenn/data/dataset.h"
#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_layout.h"

namespace flatenn::int8 {

/// Blocks of 16 images in the layout of `buffer`; the last block is filled up with zero points.
class PreparedImages {
 public:
  PreparedImages(const Dataset& data, const Buffer& buffer);

  /// The cells of the images [16 * block, 16 * block + 16).
  const std::uint8_t* block(std::size_t block) const {
    return bytes_.data() + block * static_cast<std::size_t>(block_bytes_);
  }
  /// Images in the dataset, not counting the filling.
  std::size_t size() const { return size_; }

 private:
  void prepare_block(const Dataset& data, const Buffer& buffer, std::size_t block);

  std::size_t size_;
  std::int64_t block_bytes_;
  AlignedBytes bytes_;
};

}  // namespace flatenn::int8
