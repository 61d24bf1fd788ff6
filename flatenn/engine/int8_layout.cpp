#include "flatenn/engine/int8_layout.h"

#include <algorithm>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {

std::int64_t Buffer::bytes() const {
  return static_cast<std::int64_t>(groups.size()) * (shape.height + 2 * pad) *
         (shape.width + 2 * pad) * cell_bytes;
}

std::int32_t Buffer::group_stride() const {
  return (shape.height + 2 * pad) * (shape.width + 2 * pad) * cell_bytes;
}

std::int32_t Buffer::offset(int y, int x) const {
  return ((y + pad) * (shape.width + 2 * pad) + x + pad) * cell_bytes;
}

std::int64_t Buffer::byte_of(std::int64_t e) const {
  const std::int64_t plane = std::int64_t{shape.height} * shape.width;
  const std::int64_t channel = e / plane;
  const auto pixel = static_cast<int>(e % plane);
  return channel / 4 * group_stride() + offset(pixel / shape.width, pixel % shape.width) +
         channel % 4;
}

std::vector<std::int32_t> Buffer::offsets(int height, int width, int stride, int first) const {
  std::vector<std::int32_t> result;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      result.push_back(offset(first + y * stride, first + x * stride));
    }
  }
  return result;
}

std::vector<std::int32_t> by_pooling_windows(const std::vector<std::int32_t>& offsets,
                                             const Shape& shape) {
  std::vector<std::int32_t> result;
  for (int y = 0; y + 1 < shape.height; y += 2) {
    for (int x = 0; x + 1 < shape.width; x += 2) {
      for (const int corner : {0, 1, shape.width, shape.width + 1}) {
        result.push_back(offsets[y * shape.width + x + corner]);
      }
    }
  }
  return result;
}

std::vector<Group> channel_groups(int channels, bool twin) {
  std::vector<Group> groups((channels + 3) / 4);
  for (int c = 0; c < channels; ++c) groups[c / 4][c % 4].channel = c;
  if (twin && channels % 4 == 2) {
    Group& last = groups.back();
    last[2] = {channels - 2, 0, 1};
    last[3] = {channels - 1, 0, 1};
  }
  return groups;
}

std::vector<Group> image_groups(int channels) {
  if (channels != 1) return channel_groups(channels, true);
  return {{Lane{0, 0, 0}, Lane{0, 0, 1}, Lane{0, 0, 2}, Lane{0, 0, 3}}};
}

namespace {

/// Collects steps; a step takes the taps of its cell that no earlier step took.
class WindowCover {
 public:
  WindowCover(const Buffer& in, int height, int width) : in_(in), height_(height), width_(width) {
    gather_.slots.assign(static_cast<std::size_t>(in.shape.channels) * height * width, -1);
  }

  /// Steps that fill all four lanes come first, then three, and so on.
  Gather cover() {
    for (int lanes = 4; lanes > 0; --lanes) {
      for (std::size_t g = 0; g < in_.groups.size(); ++g) {
        for (int y = 0; y < height_; ++y) {
          for (int x = 0; x < width_; ++x) {
            if (open_lanes(in_.groups[g], y, x) == lanes) take(g, y, x);
          }
        }
      }
    }
    return std::move(gather_);
  }

 private:
  std::int32_t* open_slot(const Lane& lane, int y, int x) {
    const int ky = y + lane.dy;
    const int kx = x + lane.dx;
    if (lane.channel < 0 || ky >= height_ || kx >= width_) return nullptr;
    const std::size_t tap = (static_cast<std::size_t>(lane.channel) * height_ + ky) * width_ + kx;
    return gather_.slots[tap] < 0 ? &gather_.slots[tap] : nullptr;
  }

  int open_lanes(const Group& group, int y, int x) {
    return static_cast<int>(std::count_if(group.begin(), group.end(), [&](const Lane& lane) {
      return open_slot(lane, y, x) != nullptr;
    }));
  }

  void take(std::size_t g, int y, int x) {
    const auto step = static_cast<std::int32_t>(gather_.step_offsets.size());
    for (int lane = 0; lane < 4; ++lane) {
      if (std::int32_t* slot = open_slot(in_.groups[g][lane], y, x)) *slot = 4 * step + lane;
    }
    // Relative to the first cell of the window.
    gather_.step_offsets.push_back(static_cast<std::int32_t>(g) * in_.group_stride() +
                                   in_.offset(y, x) - in_.offset(0, 0));
  }

  const Buffer& in_;
  int height_, width_;
  Gather gather_;
};

}  // namespace

Gather gather_window(const Buffer& in, int height, int width) {
  Gather gather = WindowCover(in, height, width).cover();
  FLATENN_ASSERT(std::find(gather.slots.begin(), gather.slots.end(), -1) == gather.slots.end());
  return gather;
}

}  // namespace flatenn::int8
