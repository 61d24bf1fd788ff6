// Winograd's F(2x2, 3x3) in exact integers: four positions of a 3x3 convolution of stride 1 from 16
// products a channel instead of 36 (Lavin and Gray, CVPR 2016).
//
// With d a patch of 4x4 codes, g the 3x3 kernel and elementwise products,
//
//     Y = A^T [ (G g G^T) (B^T d B) ] A,
//     B^T = 1 0 -1 0 | 0 1 1 0 | 0 1 -1 0 | 0 1 0 -1,
//     G = 1 0 0 | 1/2 1/2 1/2 | -1/2 1/2 -1/2 | 0 0 1,   A^T = 1 1 1 0 | 0 1 -1 -1.
//
// Here G is doubled, so that all is whole and the sums are 4 Y: an exact shift. Weight codes up to
// 14 in magnitude give transformed weights of at most 9 * 14 = 126: they fit a signed byte. A patch
// of bytes b = code + zero point in 0 .. R gives entry (1, 1) in 0 .. 4R and all others in -2R ..
// 2R, to which 2R is added: with R up to 63 they fit an unsigned byte. What the zero point and 2R
// add to the products is a constant of each output channel and entry, from which its sum starts.
// Everything is modulo 2^32, and 4 Y fits 32 bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_layout.h"
#include "flatenn/graph/graph.h"

namespace flatenn::int8 {

/// The largest magnitude of a weight code.
inline constexpr int widest_winograd_weight = 14;

/// The layer's places in tiles of 2x2 output positions.
struct Winograd {
  std::vector<std::int32_t> patches;    ///< of each tile, the offset of its patch's first cell
  std::vector<std::int32_t> positions;  ///< of each tile, its first output position
  int width = 0;                        ///< output positions a row
  std::int32_t row_bytes = 0;           ///< from a row of cells to the next
  std::int32_t group_bytes = 0;         ///< from a group of four channels to the next
  int groups = 0;                       ///< of four channels
  int lift = 0;                         ///< 2R
  /// What is in the bytes of each entry beside the transformed codes.
  std::array<std::int32_t, winograd_entries> offsets{};
};

/// Nothing where it would not be exact, or not pay: other kernels and strides, wide codes, fewer
/// than 16 channels in or out, fewer than `tiles` tiles. Where a height or width is odd, the last
/// tiles lie over the ones before.
std::optional<Winograd> plan_winograd(const Conv2d& conv, const NodeInfo& in, const NodeInfo& out,
                                      const Buffer& buffer, int tiles);

/// How often a weight at (ky, kx) counts in each entry of the transformed kernel: 0, 1, 2 or 4 in
/// magnitude.
const std::array<std::int8_t, winograd_entries>& winograd_counts(int ky, int kx);

/// The weight at (ky, kx) of the kernel whose transform has entry e at bytes[e * stride].
int winograd_weight(const std::int8_t* bytes, std::ptrdiff_t stride, int ky, int kx);

}  // namespace flatenn::int8
