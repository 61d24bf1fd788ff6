#include "flatenn/analysis/exact_sums.h"

#include <algorithm>
#include <cmath>

#include "flatenn/base/simd.h"

namespace flatenn {
namespace {

/// How far from a tie a sum of this many terms, in spacings of codes, may be rounded to its wrong
/// side: 128 times the spacing of floats at the largest code, and more for more than 256 terms,
/// whose rounding errors add up like their root.
float tie_distance(int terms, const CodeRange& range) {
  const float codes = std::max(16.0f, range.highest - range.lowest + 1);
  return codes * 0x1p-17f * std::sqrt(std::max(1.0f, static_cast<float>(terms) / 256));
}

/// Adding and taking away 1.5 * 2^23 rounds small floats half to even, in vector form too.
constexpr float kRound = 12582912.0f;

inline bool near_tie(float v, const CodeRange& range, float near) {
  const float off = v - (v + kRound - kRound);
  const float distance = off < 0 ? -off : off;
  return (distance > 0.5f - near) & (v > range.lowest) & (v < range.highest);
}

FLATENN_SIMD int count_near_ties(const float* v, int count, const CodeRange& range, float near) {
  int found = 0;
  for (int i = 0; i < count; ++i) found += near_tie(v[i], range, near);
  return found;
}

/// The result of one place of one image.
float exact_result(const ConvShape& s, const float* x, const WeightTensor& weights,
                   const float* displacement, const NodeAffine& affine, int channel, int row,
                   int column, int image) {
  const std::size_t window = static_cast<std::size_t>(s.window());
  const std::int8_t* codes = weights.codes.data() + static_cast<std::size_t>(channel) * window;
  const float* moved = displacement + static_cast<std::size_t>(channel) * window;
  const double scale = weights.scale;
  double sum = 0, input_sum = 0;
  std::size_t k = 0;
  for (int in = 0; in < s.in_channels; ++in) {
    for (int ky = 0; ky < s.kernel; ++ky) {
      for (int kx = 0; kx < s.kernel; ++kx, ++k) {
        const int y = row * s.stride + ky - s.padding, xx = column * s.stride + kx - s.padding;
        if (y < 0 || y >= s.height || xx < 0 || xx >= s.width) continue;
        const std::size_t place =
            (static_cast<std::size_t>(in) * s.height + y) * static_cast<std::size_t>(s.width) + xx;
        const double input = x[place * static_cast<std::size_t>(s.images) + image];
        sum += (codes[k] + moved[k] / scale) * input;
        input_sum += input;
      }
    }
  }
  const auto c = static_cast<std::size_t>(channel);
  float v = static_cast<float>(sum) * affine.multiplier[c];
  if (!affine.window_multiplier.empty()) {
    v += static_cast<float>(input_sum) * affine.window_multiplier[c];
  }
  return affine.addend.empty() ? v : v + affine.addend[c];
}

}  // namespace

void settle_ties(const ConvShape& shape, const float* x, const WeightTensor& weights,
                 const float* displacement, const NodeAffine& affine, const CodeRange& range,
                 float* v) {
  const float near = tie_distance(shape.window(), range);
  for (int channel = 0; channel < shape.out_channels; ++channel) {
    for (int row = 0; row < shape.out_height(); ++row) {
      for (int column = 0; column < shape.out_width(); ++column, v += shape.images) {
        if (count_near_ties(v, shape.images, range, near) == 0) continue;
        for (int image = 0; image < shape.images; ++image) {
          if (!near_tie(v[image], range, near)) continue;
          v[image] =
              exact_result(shape, x, weights, displacement, affine, channel, row, column, image);
        }
      }
    }
  }
}

}  // namespace flatenn
