#include "flatenn/data/batches.h"

#include <algorithm>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

// How one image is moved: its pixel (y, x) comes from (y + dy, x + dx), mirrored when flip is set.
struct Placement {
  int dy = 0, dx = 0;
  bool flip = false;
};

// Whether an image is mirrored: a coin says it for epoch 0, then every other epoch.
bool mirrored(std::uint64_t seed, std::uint64_t epoch, std::uint32_t index) {
  return (RandomStream(seed, Purpose::mirror, index).below(2) + epoch) % 2 == 1;
}

Placement draw_placement(const Augmentation& augmentation, std::uint64_t seed, std::uint64_t epoch,
                         std::uint32_t index) {
  RandomStream stream(seed, Purpose::augmentation, epoch, index);
  const auto positions = static_cast<std::uint64_t>(2 * augmentation.pad + 1);
  Placement placement;
  placement.dy = static_cast<int>(stream.below(positions)) - augmentation.pad;
  placement.dx = static_cast<int>(stream.below(positions)) - augmentation.pad;
  placement.flip = augmentation.flip && mirrored(seed, epoch, index);
  return placement;
}

// Shifts first, then mirrors the result. Pixels from outside the image are `fill`.
void copy_row(std::span<const std::uint8_t> from, const Placement& placement, std::uint8_t fill,
              std::span<std::uint8_t> to) {
  const int width = static_cast<int>(to.size());
  const int first = std::clamp(-placement.dx, 0, width);
  const int last = std::clamp(width - placement.dx, first, width);
  std::fill(to.begin(), to.end(), fill);
  if (first < last) {
    std::copy_n(from.begin() + (first + placement.dx), last - first, to.begin() + first);
  }
  if (placement.flip) std::reverse(to.begin(), to.end());
}

void place_image(const Dataset& data, std::span<const std::uint8_t> image,
                 const Placement& placement, std::uint8_t fill, std::span<std::uint8_t> out) {
  const auto width = static_cast<std::size_t>(data.width);
  for (int row = 0; row < data.channels * data.height; ++row) {
    const int from = row % data.height + placement.dy;
    const auto to = out.subspan(static_cast<std::size_t>(row) * width, width);
    if (from < 0 || from >= data.height) {
      std::fill(to.begin(), to.end(), fill);
    } else {
      copy_row(image.subspan(static_cast<std::size_t>(row + placement.dy) * width, width),
               placement, fill, to);
    }
  }
}

}  // namespace

std::vector<std::uint32_t> epoch_order(std::size_t count, std::uint64_t seed, std::uint64_t epoch) {
  FLATENN_ASSERT(count <= std::numeric_limits<std::uint32_t>::max());
  std::vector<std::uint32_t> order(count);
  RandomStream stream(seed, Purpose::batch_order, epoch);
  random_permutation(stream, order);
  return order;
}

void gather_batch(const Dataset& data, std::span<const std::uint32_t> indices,
                  const Augmentation& augmentation, std::uint8_t fill, std::uint64_t seed,
                  std::uint64_t epoch, std::span<std::uint8_t> pixels,
                  std::span<std::uint8_t> labels) {
  const std::size_t bytes = data.image_bytes();
  FLATENN_ASSERT(pixels.size() == indices.size() * bytes && labels.size() == indices.size());
  FLATENN_ASSERT(augmentation.pad >= 0);
  const bool plain = augmentation.pad == 0 && !augmentation.flip;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    FLATENN_ASSERT(indices[i] < data.size());
    labels[i] = data.labels[indices[i]];
    const auto image = data.image(indices[i]);
    const auto out = pixels.subspan(i * bytes, bytes);
    if (plain) {
      std::copy(image.begin(), image.end(), out.begin());
    } else {
      place_image(data, image, draw_placement(augmentation, seed, epoch, indices[i]), fill, out);
    }
  }
}

}  // namespace flatenn
