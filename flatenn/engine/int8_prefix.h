// Prefix: results of the first steps of a plan on all images, where no fault can reach them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_plan.h"

namespace flatenn::int8 {

/// The buffers that steps from `steps` on still read and steps before it have written, one copy a
/// block of images. Filled once, then shared by all clones.
class Prefix {
 public:
  /// Of the steps before the first layer whose weight tensor is `tensor` or later.
  Prefix(const Plan& plan, int tensor, std::size_t blocks);

  std::size_t steps() const { return steps_; }
  /// Of all copies.
  std::size_t bytes() const;
  void allocate();

  /// Keeps what `arena` holds after the first steps on block `block`.
  void keep(const Plan& plan, std::size_t block, const std::uint8_t* arena);
  /// The kept cells of a buffer, or nullptr when it is not among them.
  const std::uint8_t* cells(int buffer, std::size_t block) const {
    const Kept& kept = kept_[static_cast<std::size_t>(buffer)];
    return kept.block_bytes == 0 ? nullptr : kept.bytes.data() + block * kept.block_bytes;
  }

 private:
  struct Kept {
    std::size_t block_bytes = 0;  ///< 0: not kept
    AlignedBytes bytes;
  };

  std::size_t steps_ = 0;
  std::size_t blocks_;
  std::vector<Kept> kept_;  ///< one a buffer
};

}  // namespace flatenn::int8
