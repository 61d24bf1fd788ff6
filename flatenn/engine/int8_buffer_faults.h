// BufferFaults: faulty words of activation buffers, as masks over the cells that steps write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "flatenn/engine/int8_plan.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn::int8 {

/// Whether every faulty node has a buffer of its own; one whose max pooling is fused has none.
bool have_buffers(const Plan& plan, std::span<const BufferFault> faults);

class BufferFaults {
 public:
  explicit BufferFaults(const Plan& plan);

  /// Replaces all faults. Precondition: have_buffers.
  void set(const Plan& plan, std::span<const BufferFault> faults);
  /// As set.
  std::span<const BufferFault> faults() const { return faults_; }
  /// Whether one of the first `steps` steps writes a faulty word.
  bool reach(std::size_t steps) const { return first_step_ < steps; }

  /// What step `step` has just written into `arena` becomes what is read. O(faults of its buffer).
  void apply(std::size_t step, std::uint8_t* arena) const;

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  /// One faulty word of all images of a block.
  struct CellFault {
    std::int64_t place = 0;  ///< of the cell in the arena
    std::uint32_t keep = 0;  ///< over the four channels of each image, in memory order
    std::uint32_t toggle = 0;
  };

  std::vector<BufferFault> faults_;
  std::vector<std::vector<CellFault>> cells_;  ///< one list a step
  std::size_t first_step_ = none;              ///< with faults
  std::vector<int> step_of_buffer_;            ///< that writes it; -1: none (the image)
};

}  // namespace flatenn::int8
