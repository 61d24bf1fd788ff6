#include "flatenn/train/injection.h"

#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Sets the places [y0, y1) x [x0, x1) of one channel.
void set_rectangle(const Shape& shape, int channel, std::pair<int, int> rows,
                   std::pair<int, int> columns, std::span<float> mask) {
  for (int y = rows.first; y < rows.second; ++y) {
    const std::size_t row =
        (static_cast<std::size_t>(channel) * static_cast<std::size_t>(shape.height) +
         static_cast<std::size_t>(y)) *
        static_cast<std::size_t>(shape.width);
    for (int x = columns.first; x < columns.second; ++x) {
      mask[row + static_cast<std::size_t>(x)] = 1;
    }
  }
}

/// A random range of 0 .. size - 1 that is not empty.
std::pair<int, int> draw_range(int size, RandomStream& stream) {
  const auto n = static_cast<std::uint64_t>(size);
  int a = static_cast<int>(stream.below(n));
  int b = static_cast<int>(stream.below(n));
  if (a > b) std::swap(a, b);
  return {a, b + 1};
}

double channel_probability(MaskShape mask_shape) {
  switch (mask_shape) {
    case MaskShape::line:
      return 0.75;
    case MaskShape::square:
      return 0.3;
    case MaskShape::random:
    case MaskShape::channel:
      return 0.1;
    case MaskShape::pixel:
      break;
  }
  return 1;
}

}  // namespace

void draw_mask(MaskShape mask_shape, const Shape& shape, RandomStream& stream,
               std::span<float> mask) {
  FLATENN_ASSERT(static_cast<std::int64_t>(mask.size()) == shape.elements());
  if (shape.height * shape.width == 1) {
    for (float& feature : mask) feature = stream.uniform() < 0.3 ? 1 : 0;
    return;
  }
  if (mask_shape == MaskShape::pixel) {
    mask[stream.below(mask.size())] = 1;
    return;
  }
  std::pair<int, int> rows{0, shape.height}, columns{0, shape.width};
  if (mask_shape == MaskShape::line) {
    const bool row = stream.below(2) == 0;
    auto& across = row ? rows : columns;
    const int at = static_cast<int>(
        stream.below(static_cast<std::uint64_t>(row ? shape.height : shape.width)));
    across = {at, at + 1};
  } else if (mask_shape == MaskShape::square) {
    rows = draw_range(shape.height, stream);
    columns = draw_range(shape.width, stream);
  }
  const double kept = channel_probability(mask_shape);
  for (int channel = 0; channel < shape.channels; ++channel) {
    if (stream.uniform() < kept) set_rectangle(shape, channel, rows, columns, mask);
  }
  if (mask_shape != MaskShape::random) return;
  for (float& place : mask) {
    if (place != 0 && stream.uniform() < 0.5) place = 0;
  }
}

torch::Tensor draw_factors(MaskShape mask_shape, const Shape& shape, std::int64_t images,
                           double probability, double error, RandomStream& stream) {
  torch::Tensor factors = torch::ones({images, shape.channels, shape.height, shape.width});
  const auto elements = static_cast<std::size_t>(shape.elements());
  std::vector<float> mask(elements);
  for (std::int64_t image = 0; image < images; ++image) {
    if (stream.uniform() >= probability) continue;
    std::ranges::fill(mask, 0.0f);
    draw_mask(mask_shape, shape, stream, mask);
    float* const target = factors.data_ptr<float>() + static_cast<std::size_t>(image) * elements;
    for (std::size_t i = 0; i < elements; ++i) {
      if (mask[i] != 0) target[i] = static_cast<float>(error);
    }
  }
  return factors.permute({1, 2, 3, 0}).contiguous();
}

Injection::Injection(const Graph& graph, const InjectionSettings& settings, std::uint64_t seed)
    : settings_(settings), seed_(seed), nodes_(weight_nodes(graph)) {
  const std::vector<NodeInfo> infos = check_graph(graph);
  for (const int node : nodes_) shapes_.push_back(infos[static_cast<std::size_t>(node)].shape);
}

SumsFactor Injection::draw(std::int64_t step, std::int64_t images,
                           const torch::Device& device) const {
  if (settings_.probability == 0) return {};
  RandomStream stream(seed_, Purpose::injection, static_cast<std::uint64_t>(step));
  const auto layer = static_cast<std::size_t>(stream.below(nodes_.size()));
  const double size = settings_.largest_error * (1 - stream.uniform());
  const double error = stream.below(2) == 0 ? size : -size;
  return {nodes_[layer], draw_factors(settings_.shape, shapes_[layer], images,
                                      settings_.probability, error, stream)
                             .to(device)};
}

}  // namespace flatenn
