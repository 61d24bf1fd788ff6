#include "flatenn/memory/code_bounds.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "flatenn/base/error.h"

namespace flatenn {

CodeBounds code_bounds(std::span<const std::int8_t> codes) {
  std::array<std::size_t, 129> count{};
  CodeBounds bounds{0, 0};
  for (const std::int8_t code : codes) {
    const int magnitude = std::abs(code);
    ++count[static_cast<std::size_t>(magnitude)];
    bounds.largest = std::max(bounds.largest, magnitude);
  }
  bounds.common = static_cast<int>(std::ranges::max_element(count) - count.begin());
  return bounds;
}

std::vector<CodeBounds> channel_bounds(std::span<const std::int8_t> codes, std::size_t channels) {
  FLATENN_ASSERT(channels > 0 && codes.size() % channels == 0);
  const std::size_t each = codes.size() / channels;
  std::vector<CodeBounds> bounds;
  for (std::size_t c = 0; c < channels; ++c) {
    bounds.push_back(code_bounds(codes.subspan(c * each, each)));
  }
  return bounds;
}

}  // namespace flatenn
