// Layout of codes with images innermost: which channel of which pixel each byte of a cell holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flatenn/graph/graph.h"

namespace flatenn::int8 {

/// What one of the four lanes of a cell at pixel (y, x) holds: channel `channel` of pixel
/// (y + dy, x + dx); -1: nothing.
struct Lane {
  int channel = -1, dy = 0, dx = 0;
};
using Group = std::array<Lane, 4>;

/// A tensor of codes for one block of images: groups x padded height x padded width cells. Bytes
/// are codes plus zero_point, and the border holds zero_point, so padding is code 0.
struct Buffer {
  Shape shape;
  int pad = 0;
  int zero_point = 0;
  int max_byte = 255;  ///< largest byte that can occur
  std::vector<Group> groups;

  std::int64_t bytes() const;
  std::int32_t group_stride() const;
  /// Byte offset of the cell of pixel (y, x); -pad <= y, x.
  std::int32_t offset(int y, int x) const;
  /// Offset of the code of element `e` (row-major channels x height x width) of the first image;
  /// that of image i lies 4 * i bytes further.
  std::int64_t byte_of(std::int64_t e) const;
  /// Offsets of height x width pixels, from (first, first) on, `stride` apart, row-major.
  std::vector<std::int32_t> offsets(int height, int width, int stride, int first) const;
};

/// Of the offsets of all pixels of a shape, row-major, those in whole 2x2 windows: four a window.
std::vector<std::int32_t> by_pooling_windows(const std::vector<std::int32_t>& offsets,
                                             const Shape& shape);

/// Groups of four channels; when `twin` and the last group would hold two, it holds those of the
/// right neighbour as well, so that a convolution meets two pixels a step.
std::vector<Group> channel_groups(int channels, bool twin);

/// Groups for the prepared image. A single channel would leave three lanes empty: it becomes four
/// neighbours along x, so that a convolution meets four pixels a step.
std::vector<Group> image_groups(int channels);

/// How a layer gathers its window: step k reads the cell at step_offsets[k] from the first one, and
/// lane slots[t] % 4 of step slots[t] / 4 holds tap t = (channel * height + ky) * width + kx.
struct Gather {
  std::vector<std::int32_t> step_offsets;
  std::vector<std::int32_t> slots;
};
Gather gather_window(const Buffer& in, int height, int width);

}  // namespace flatenn::int8
