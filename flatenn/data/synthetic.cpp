#include "flatenn/data/synthetic.h"

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

constexpr int kTile = 3;
constexpr int kDark = 60, kBright = 190;

// Patterns and images are drawn from streams that `sub` keeps apart.
constexpr std::uint64_t kPatternStream = 0, kImageStream = 1;

std::vector<std::uint8_t> class_pattern(const SyntheticOptions& o, int label) {
  RandomStream stream(o.seed, Purpose::synthetic_data, static_cast<std::uint64_t>(label),
                      kPatternStream);
  const int rows = (o.height + kTile - 1) / kTile, columns = (o.width + kTile - 1) / kTile;
  std::vector<std::uint8_t> tiles(std::size_t(o.channels) * rows * columns);
  for (auto& tile : tiles) tile = stream.below(2) == 1 ? kBright : kDark;
  std::vector<std::uint8_t> pattern;
  pattern.reserve(std::size_t(o.channels) * o.height * o.width);
  for (int c = 0; c < o.channels; ++c) {
    for (int y = 0; y < o.height; ++y) {
      for (int x = 0; x < o.width; ++x) {
        pattern.push_back(tiles[(std::size_t(c) * rows + y / kTile) * columns + x / kTile]);
      }
    }
  }
  return pattern;
}

void append_image(const SyntheticOptions& o, std::uint64_t index,
                  const std::vector<std::uint8_t>& pattern, std::vector<std::uint8_t>& images) {
  RandomStream stream(o.seed, Purpose::synthetic_data, index, kImageStream);
  const int dy = static_cast<int>(stream.below(3)) - 1, dx = static_cast<int>(stream.below(3)) - 1;
  const auto span = static_cast<std::uint64_t>(2 * o.noise + 1);
  for (int c = 0; c < o.channels; ++c) {
    for (int y = 0; y < o.height; ++y) {
      const int from_y = std::clamp(y + dy, 0, o.height - 1);
      for (int x = 0; x < o.width; ++x) {
        const int from_x = std::clamp(x + dx, 0, o.width - 1);
        const int clean = pattern[(std::size_t(c) * o.height + from_y) * o.width + from_x];
        const int noisy = clean + static_cast<int>(stream.below(span)) - o.noise;
        images.push_back(static_cast<std::uint8_t>(std::clamp(noisy, 0, 255)));
      }
    }
  }
}

}  // namespace

Dataset make_synthetic(const SyntheticOptions& o, std::uint64_t first, std::size_t count) {
  FLATENN_ASSERT(o.channels > 0 && o.height > 0 && o.width > 0);
  FLATENN_ASSERT(o.classes > 0 && o.classes <= 256 && o.noise >= 0 && o.noise <= 255);
  Dataset data;
  data.name = "synthetic";
  data.channels = o.channels;
  data.height = o.height;
  data.width = o.width;
  data.classes = o.classes;
  std::vector<std::vector<std::uint8_t>> patterns;
  for (int label = 0; label < o.classes; ++label) {
    data.class_names.push_back(fmt::format("pattern {}", label));
    patterns.push_back(class_pattern(o, label));
  }
  data.images.reserve(count * data.image_bytes());
  for (std::uint64_t i = first; i < first + count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % static_cast<std::uint64_t>(o.classes));
    data.labels.push_back(label);
    append_image(o, i, patterns[label], data.images);
  }
  return data;
}

}  // namespace flatenn
