#include "flatenn/engine/int8_images.h"

#include <algorithm>

#include "flatenn/engine/int8_kernels.h"

namespace flatenn::int8 {

PreparedImages::PreparedImages(const Dataset& data, const Buffer& buffer)
    : size_(data.size()), block_bytes_(buffer.bytes()) {
  const std::size_t blocks = (size_ + images_per_block - 1) / images_per_block;
  bytes_ = AlignedBytes(blocks * static_cast<std::size_t>(block_bytes_));
  for (std::size_t b = 0; b < blocks; ++b) prepare_block(data, buffer, b);
}

void PreparedImages::prepare_block(const Dataset& data, const Buffer& buffer, std::size_t block) {
  const std::size_t first = block * images_per_block;
  const auto images = static_cast<int>(std::min<std::size_t>(images_per_block, size_ - first));
  const Shape& shape = buffer.shape;
  const auto zero = static_cast<std::uint8_t>(buffer.zero_point);
  std::uint8_t* cell = bytes_.data() + block * static_cast<std::size_t>(block_bytes_);
  std::fill_n(cell, block_bytes_, zero);
  for (const Group& group : buffer.groups) {
    for (int y = -buffer.pad; y < shape.height + buffer.pad; ++y) {
      for (int x = -buffer.pad; x < shape.width + buffer.pad; ++x, cell += cell_bytes) {
        for (int lane = 0; lane < 4; ++lane) {
          const int sy = y + group[lane].dy;
          const int sx = x + group[lane].dx;
          const bool inside = group[lane].channel >= 0 && sy >= 0 && sy < shape.height && sx >= 0 &&
                              sx < shape.width;
          if (!inside) continue;
          const std::size_t pixel =
              (static_cast<std::size_t>(group[lane].channel) * shape.height + sy) * shape.width +
              sx;
          const std::uint8_t* source = data.images.data() + first * data.image_bytes() + pixel;
          for (int i = 0; i < images; ++i) cell[4 * i + lane] = source[i * data.image_bytes()];
        }
      }
    }
  }
}

}  // namespace flatenn::int8
