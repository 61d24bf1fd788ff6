#include "flatenn/engine/int8_buffer_faults.h"

#include <algorithm>
#include <cstring>

#include "flatenn/base/error.h"
#include "flatenn/engine/buffer_faults.h"

namespace flatenn::int8 {
namespace {

/// The mask for one channel of each image, and `others` for the three beside it.
std::uint32_t in_lane(std::int64_t lane, std::uint8_t mask, std::uint8_t others) {
  std::uint8_t bytes[4] = {others, others, others, others};
  bytes[lane] = mask;
  std::uint32_t cell = 0;
  std::memcpy(&cell, bytes, sizeof(cell));
  return cell;
}

}  // namespace

bool have_buffers(const Plan& plan, std::span<const BufferFault> faults) {
  return std::ranges::all_of(faults, [&](const BufferFault& fault) {
    return plan.buffer_of_node.at(static_cast<std::size_t>(fault.node)) >= 0;
  });
}

BufferFaults::BufferFaults(const Plan& plan)
    : cells_(plan.steps.size()), step_of_buffer_(plan.buffers.size(), -1) {
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const int buffer = buffer_written(plan.steps[s]);
    // The twin step that may follow repeats what is in the buffer already, faults included.
    if (buffer == logits || std::holds_alternative<TwinStep>(plan.steps[s])) continue;
    step_of_buffer_[static_cast<std::size_t>(buffer)] = static_cast<int>(s);
  }
}

void BufferFaults::set(const Plan& plan, std::span<const BufferFault> faults) {
  for (std::vector<CellFault>& cells : cells_) cells.clear();
  first_step_ = none;
  faults_.assign(faults.begin(), faults.end());
  for (const BufferFault& fault : faults) {
    const auto b =
        static_cast<std::size_t>(plan.buffer_of_node.at(static_cast<std::size_t>(fault.node)));
    const Buffer& buffer = plan.buffers.at(b);
    const std::int64_t byte = buffer.byte_of(fault.element);
    // The byte is code + zero point. For codes in two's complement that is the word with its top
    // bit inverted: word = byte ^ zero_point. So (word & keep) ^ toggle is, as a byte again,
    // (byte & keep) ^ (zero_point & keep) ^ toggle ^ zero_point.
    const auto inverted = static_cast<std::uint8_t>(buffer.zero_point);
    const auto toggle =
        static_cast<std::uint8_t>((inverted & fault.keep) ^ fault.toggle ^ inverted);
    const std::int64_t lane = byte % 4;
    const auto step = static_cast<std::size_t>(step_of_buffer_[b]);
    cells_[step].push_back(
        {plan.places[b] + byte - lane, in_lane(lane, fault.keep, 0xff), in_lane(lane, toggle, 0)});
    first_step_ = std::min(first_step_, step);
  }
}

void BufferFaults::apply(std::size_t step, std::uint8_t* arena) const {
  for (const CellFault& fault : cells_[step]) {
    std::uint32_t images[images_per_block];
    std::memcpy(images, arena + fault.place, cell_bytes);
    for (std::uint32_t& image : images) image = (image & fault.keep) ^ fault.toggle;
    std::memcpy(arena + fault.place, images, cell_bytes);
  }
}

}  // namespace flatenn::int8
