#include "flatenn/engine/int8_prefix.h"

#include <cstring>
#include <variant>

namespace flatenn::int8 {
namespace {

/// At most all but the last step, which writes the answer.
std::size_t steps_before(const Plan& plan, int tensor) {
  std::size_t s = 0;
  for (; s + 1 < plan.steps.size(); ++s) {
    const auto* layer = std::get_if<LayerStep>(&plan.steps[s]);
    if (layer != nullptr && layer->tensor >= tensor) break;
  }
  return s;
}

}  // namespace

Prefix::Prefix(const Plan& plan, int tensor, std::size_t blocks)
    : steps_(steps_before(plan, tensor)), blocks_(blocks), kept_(plan.buffers.size()) {
  std::vector<bool> written(plan.buffers.size(), false);
  for (std::size_t s = 0; s < steps_; ++s) {
    const int buffer = buffer_written(plan.steps[s]);
    if (buffer != logits) written[static_cast<std::size_t>(buffer)] = true;
  }
  for (std::size_t s = steps_; s < plan.steps.size(); ++s) {
    for (const int b : buffers_read(plan.steps[s])) {
      const auto buffer = static_cast<std::size_t>(b);
      if (!written[buffer]) continue;
      kept_[buffer].block_bytes = static_cast<std::size_t>(plan.buffers[buffer].bytes());
    }
  }
}

std::size_t Prefix::bytes() const {
  std::size_t bytes = 0;
  for (const Kept& kept : kept_) bytes += kept.block_bytes * blocks_;
  return bytes;
}

void Prefix::allocate() {
  for (Kept& kept : kept_) {
    if (kept.block_bytes > 0) kept.bytes = AlignedBytes(kept.block_bytes * blocks_);
  }
}

void Prefix::keep(const Plan& plan, std::size_t block, const std::uint8_t* arena) {
  for (std::size_t b = 0; b < kept_.size(); ++b) {
    Kept& kept = kept_[b];
    if (kept.block_bytes == 0) continue;
    std::memcpy(kept.bytes.data() + block * kept.block_bytes, arena + plan.places[b],
                kept.block_bytes);
  }
}

}  // namespace flatenn::int8
