// The steps of a plan at work on one block of images.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flatenn/engine/int8_plan.h"
#include "flatenn/engine/int8_prefix.h"
#include "flatenn/engine/int8_weights.h"

namespace flatenn::int8 {

/// What the steps read and where they write. Views: whoever makes one keeps what it points to.
struct Workplace {
  const Plan* plan = nullptr;
  const PackedWeights* weights = nullptr;
  const Prefix* prefix = nullptr;       ///< or null
  std::size_t block = 0;                ///< of images, in the prefix
  const std::uint8_t* image = nullptr;  ///< the block's prepared cells
  std::uint8_t* arena = nullptr;        ///< plan->arena_bytes, borders filled
  std::int32_t* windows = nullptr;      ///< window_bytes(*plan)
  float* logits = nullptr;              ///< classes x 16
  float* values = nullptr;              ///< value_bytes(*plan)
  std::uint8_t* patches = nullptr;      ///< patch_bytes(*plan)

  /// The cells of a buffer.
  const std::uint8_t* cells(int buffer) const;
};

/// Room for the window sums of any layer, one at a time.
std::size_t window_bytes(const Plan& plan);

/// Room for the values that any layer's normalization works on, one at a time.
std::size_t value_bytes(const Plan& plan);

/// Room for what any layer's Winograd transform works on, one at a time: transformed patches of the
/// tiles at work, then their sums.
std::size_t patch_bytes(const Plan& plan);

/// Fills all buffers of an arena with their zero points, which borders keep: steps write the pixels
/// within.
void fill_borders(const Plan& plan, std::uint8_t* arena);

void run_step(const Step& step, const Workplace& place);

}  // namespace flatenn::int8
