#include "flatenn/engine/int8_winograd.h"

#include <algorithm>

#include "flatenn/base/error.h"

namespace flatenn::int8 {
namespace {

constexpr int kWidestByte = 63;
/// With fewer channels the transforms cost what the products save.
constexpr int kFewestChannels = 16;
constexpr int kCentre = 5;  ///< entry (1, 1)

}  // namespace

std::optional<Winograd> plan_winograd(const Conv2d& conv, const NodeInfo& in, const NodeInfo& out,
                                      const Buffer& buffer, int tiles) {
  const Shape& shape = out.shape;
  const int weight = std::max(-conv.weights.code.min_code(), conv.weights.code.max_code());
  const bool fits = conv.kernel == 3 && conv.stride == 1 && shape.height >= 2 && shape.width >= 2 &&
                    (shape.height + 1) / 2 * ((shape.width + 1) / 2) >= tiles;
  const bool exact = weight <= widest_winograd_weight && buffer.max_byte <= kWidestByte &&
                     out.max_abs_sum < std::int64_t{1} << 29;
  if (!fits || !exact || std::min(in.shape.channels, shape.channels) < kFewestChannels) return {};
  Winograd winograd;
  for (int row = 0; row < shape.height; row += 2) {
    for (int column = 0; column < shape.width; column += 2) {
      const int y = std::min(row, shape.height - 2), x = std::min(column, shape.width - 2);
      winograd.patches.push_back(buffer.offset(y - conv.padding, x - conv.padding));
      winograd.positions.push_back(y * shape.width + x);
    }
  }
  winograd.width = shape.width;
  winograd.row_bytes = buffer.offset(1, 0) - buffer.offset(0, 0);
  winograd.group_bytes = buffer.group_stride();
  winograd.groups = static_cast<int>(buffer.groups.size());
  winograd.lift = 2 * buffer.max_byte;
  // Entry (1, 1) adds four codes and so four zero points; in the others as many are taken away.
  winograd.offsets.fill(winograd.lift);
  winograd.offsets[kCentre] = 4 * buffer.zero_point;
  return winograd;
}

const std::array<std::int8_t, winograd_entries>& winograd_counts(int ky, int kx) {
  static const auto all = [] {
    constexpr std::int8_t g[4][3] = {{2, 0, 0}, {1, 1, 1}, {-1, 1, -1}, {0, 0, 2}};
    std::array<std::array<std::int8_t, winograd_entries>, 9> counts{};
    for (std::size_t tap = 0; tap < 9; ++tap) {
      for (std::size_t e = 0; e < winograd_entries; ++e) {
        counts[tap][e] = static_cast<std::int8_t>(g[e / 4][tap / 3] * g[e % 4][tap % 3]);
      }
    }
    return counts;
  }();
  FLATENN_ASSERT(ky >= 0 && ky < 3 && kx >= 0 && kx < 3);
  return all[static_cast<std::size_t>(3 * ky + kx)];
}

int winograd_weight(const std::int8_t* bytes, std::ptrdiff_t stride, int ky, int kx) {
  // Along an axis, entries 0, 1 + 2 and 3 of a kernel's transform are twice its three weights.
  constexpr int entries[3][2] = {{0, 0}, {1, 2}, {3, 3}};
  int sum = 0;
  for (int y = entries[ky][0]; y <= entries[ky][1]; ++y) {
    for (int x = entries[kx][0]; x <= entries[kx][1]; ++x) sum += bytes[(4 * y + x) * stride];
  }
  return sum / 4;
}

}  // namespace flatenn::int8
