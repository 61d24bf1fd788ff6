#include "flatenn/train/kernels.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "flatenn/base/simd.h"

namespace flatenn {
namespace {

/// Sixteen images.
typedef float Vector __attribute__((vector_size(64)));
constexpr int kLanes = 16;

#define FLATENN_INLINE inline __attribute__((always_inline))

// Loads and stores of a Vector or a float without any demand on alignment.
template <class V>
FLATENN_INLINE void load(V& value, const float* from) {
  __builtin_memcpy(&value, from, sizeof(V));
}
template <class V>
FLATENN_INLINE void store(float* to, const V& value) {
  __builtin_memcpy(to, &value, sizeof(V));
}

/// One source place of a window: its row (or column), and the row (or column) of the kernel.
struct Tap {
  int source;
  int kernel;
};
using Taps = std::vector<std::vector<Tap>>;

/// Taps of each output place for a convolution over `size` places.
Taps forward_taps(int size, int out_size, const ConvShape& s) {
  Taps taps(static_cast<std::size_t>(out_size));
  for (int o = 0; o < out_size; ++o) {
    for (int k = 0; k < s.kernel; ++k) {
      const int source = o * s.stride - s.padding + k;
      if (source >= 0 && source < size) taps[static_cast<std::size_t>(o)].push_back({source, k});
    }
  }
  return taps;
}

/// Taps of each input place: the output places that read it.
Taps backward_taps(int size, int out_size, const ConvShape& s) {
  Taps taps(static_cast<std::size_t>(size));
  for (int o = 0; o < out_size; ++o) {
    for (int k = 0; k < s.kernel; ++k) {
      const int source = o * s.stride - s.padding + k;
      if (source >= 0 && source < size) taps[static_cast<std::size_t>(source)].push_back({o, k});
    }
  }
  return taps;
}

/// A correlation: y[c][place] = bias[c] + sum over channels and taps of w[c][channel][tap] * x.
struct Correlation {
  int images, in_channels, out_channels, kernel;
  int in_width, out_width;
  std::ptrdiff_t in_plane, out_plane;  ///< floats of one channel
  const float* x;
  const float* w;
  const float* bias;
  float* y;
};

/// C output channels at one place for N vectors (or, with V = float, N single images).
template <class V, int C, int N>
FLATENN_INLINE void correlate_block(const Correlation& k, const std::vector<Tap>& rows,
                                    const std::vector<Tap>& columns, int channel, int image,
                                    std::ptrdiff_t out) {
  constexpr std::ptrdiff_t kWidth = sizeof(V) / sizeof(float);
  const int taps = k.kernel * k.kernel;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(k.in_channels) * taps;
  const float* const w0 = k.w + channel * stride;
  V sums[C][N];
  for (int c = 0; c < C; ++c) {
    for (int n = 0; n < N; ++n) sums[c][n] = V{} + (k.bias ? k.bias[channel + c] : 0.0f);
  }
  for (int in = 0; in < k.in_channels; ++in) {
    for (const Tap& row : rows) {
      const float* const line = k.x + in * k.in_plane + image +
                                static_cast<std::ptrdiff_t>(row.source) * k.in_width * k.images;
      const float* const wline = w0 + in * taps + row.kernel * k.kernel;
      for (const Tap& column : columns) {
        const float* const source = line + static_cast<std::ptrdiff_t>(column.source) * k.images;
        const float* const wp = wline + column.kernel;
        V values[N];
        for (int n = 0; n < N; ++n) load(values[n], source + n * kWidth);
        for (int c = 0; c < C; ++c) {
          const float weight = wp[c * stride];
          for (int n = 0; n < N; ++n) sums[c][n] += weight * values[n];
        }
      }
    }
  }
  for (int c = 0; c < C; ++c) {
    float* const target = k.y + (channel + c) * k.out_plane + out + image;
    for (int n = 0; n < N; ++n) store(target + n * kWidth, sums[c][n]);
  }
}

/// All output channels at one place for N vectors.
template <class V, int N>
FLATENN_INLINE void correlate_place(const Correlation& k, const std::vector<Tap>& rows,
                                    const std::vector<Tap>& columns, int image,
                                    std::ptrdiff_t out) {
  int c = 0;
  for (; c + 6 <= k.out_channels; c += 6) {
    correlate_block<V, 6, N>(k, rows, columns, c, image, out);
  }
  for (; c + 4 <= k.out_channels; c += 4) {
    correlate_block<V, 4, N>(k, rows, columns, c, image, out);
  }
  for (; c < k.out_channels; ++c) correlate_block<V, 1, N>(k, rows, columns, c, image, out);
}

FLATENN_SIMD void correlate(const Correlation& k, const Taps& rows, const Taps& columns) {
  constexpr int kWide = 4;
  int image = 0;
  while (image < k.images) {
    const int left = k.images - image;
    std::ptrdiff_t out = 0;
    for (const std::vector<Tap>& row : rows) {
      for (const std::vector<Tap>& column : columns) {
        if (left >= kWide * kLanes) {
          correlate_place<Vector, kWide>(k, row, column, image, out);
        } else if (left >= kLanes) {
          correlate_place<Vector, 1>(k, row, column, image, out);
        } else {
          correlate_place<float, 1>(k, row, column, image, out);
        }
        out += k.images;
      }
    }
    image += left >= kWide * kLanes ? kWide * kLanes : left >= kLanes ? kLanes : 1;
  }
}

/// The weight gradient as dot products over places and images: gw[c][t] = sum of gy[c] * x at the
/// window element t. sources[t] is where element t of the window of place (0, 0) lies in x.
struct WeightGradient {
  int images, out_channels, rows, columns, stride;
  std::ptrdiff_t in_row, out_plane;
  const float* x;  ///< padded
  const float* gy;
  const std::ptrdiff_t* sources;
  int window;
  float* sums;  ///< [out_channels][window][kLanes], between rows
  float* gw;
};

FLATENN_INLINE float add_lanes(const Vector& lanes) {
  float sum = 0;
  for (int j = 0; j < kLanes; ++j) sum += lanes[j];
  return sum;
}

template <int C, int T>
FLATENN_INLINE void accumulate_block(const WeightGradient& k, int channel, int element, int row) {
  Vector sums[C][T] = {};
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(channel) * k.window + element;
  if (row > 0) {
    for (int c = 0; c < C; ++c) {
      for (int t = 0; t < T; ++t) load(sums[c][t], k.sums + (first + c * k.window + t) * kLanes);
    }
  }
  const float* const x0 = k.x + row * k.stride * k.in_row;
  const float* const g0 =
      k.gy + channel * k.out_plane + static_cast<std::ptrdiff_t>(row) * k.columns * k.images;
  for (int column = 0; column < k.columns; ++column) {
    const float* const xp = x0 + static_cast<std::ptrdiff_t>(column) * k.stride * k.images;
    const float* const gp = g0 + static_cast<std::ptrdiff_t>(column) * k.images;
    for (int image = 0; image < k.images; image += kLanes) {
      Vector g[C];
      for (int c = 0; c < C; ++c) load(g[c], gp + c * k.out_plane + image);
      for (int t = 0; t < T; ++t) {
        Vector value;
        load(value, xp + k.sources[element + t] + image);
        for (int c = 0; c < C; ++c) sums[c][t] += g[c] * value;
      }
    }
  }
  const bool last = row + 1 == k.rows;
  for (int c = 0; c < C; ++c) {
    for (int t = 0; t < T; ++t) {
      const std::ptrdiff_t weight = first + c * k.window + t;
      if (last) {
        k.gw[weight] = add_lanes(sums[c][t]);
      } else {
        store(k.sums + weight * kLanes, sums[c][t]);
      }
    }
  }
}

template <int C>
FLATENN_INLINE void accumulate_row(const WeightGradient& k, int channel, int row) {
  int t = 0;
  for (; t + 5 <= k.window; t += 5) accumulate_block<C, 5>(k, channel, t, row);
  for (; t < k.window; ++t) accumulate_block<C, 1>(k, channel, t, row);
}

/// Row by row, so that what is read stays in the cache.
FLATENN_SIMD void accumulate(const WeightGradient& k) {
  for (int row = 0; row < k.rows; ++row) {
    int c = 0;
    for (; c + 4 <= k.out_channels; c += 4) accumulate_row<4>(k, c, row);
    for (; c + 2 <= k.out_channels; c += 2) accumulate_row<2>(k, c, row);
    for (; c < k.out_channels; ++c) accumulate_row<1>(k, c, row);
  }
}

/// Sum over the places and images of one channel; `count` is a multiple of kLanes.
FLATENN_SIMD float sum_of(const float* values, std::ptrdiff_t count) {
  Vector sums = {};
  for (std::ptrdiff_t i = 0; i < count; i += kLanes) {
    Vector value;
    load(value, values + i);
    sums += value;
  }
  return add_lanes(sums);
}

/// A copy [channels][height + 2 padding][width + 2 padding][images rounded up to kLanes], zero
/// outside the source.
std::vector<float> padded(const float* x, int channels, int height, int width, int images,
                          int padding, int padded_images) {
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(width + 2 * padding) * padded_images;
  std::vector<float> copy(static_cast<std::size_t>(channels * (height + 2 * padding) * row));
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      float* target = copy.data() + (c * (height + 2 * padding) + y + padding) * row +
                      static_cast<std::ptrdiff_t>(padding) * padded_images;
      const float* source = x + static_cast<std::ptrdiff_t>(c * height + y) * width * images;
      for (int i = 0; i < width; ++i) {
        std::copy_n(source + static_cast<std::ptrdiff_t>(i) * images, images,
                    target + static_cast<std::ptrdiff_t>(i) * padded_images);
      }
    }
  }
  return copy;
}

FLATENN_SIMD void pool_row(const PoolShape& s, const float* x, float* y) {
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(s.width) * s.images;
  for (int ox = 0; ox < s.out_width(); ++ox) {
    const float* const corner = x + static_cast<std::ptrdiff_t>(ox) * s.stride * s.images;
    float* const target = y + static_cast<std::ptrdiff_t>(ox) * s.images;
    std::copy_n(corner, s.images, target);
    for (int k = 1; k < s.kernel * s.kernel; ++k) {
      const float* const source = corner + k / s.kernel * line + k % s.kernel * s.images;
      for (int i = 0; i < s.images; ++i) {
        target[i] = source[i] > target[i] ? source[i] : target[i];
      }
    }
  }
}

/// `open` holds the gradient of each image of a window until its largest element is met. Windows
/// that do not overlap write their elements, others add to them.
template <bool kOverlap>
FLATENN_INLINE void pool_row_backward(const PoolShape& s, const float* x, const float* y,
                                      const float* gy, float* gx, float* open) {
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(s.width) * s.images;
  for (int ox = 0; ox < s.out_width(); ++ox) {
    const std::ptrdiff_t corner = static_cast<std::ptrdiff_t>(ox) * s.stride * s.images;
    const float* const largest = y + static_cast<std::ptrdiff_t>(ox) * s.images;
    std::copy_n(gy + static_cast<std::ptrdiff_t>(ox) * s.images, s.images, open);
    for (int k = 0; k < s.kernel * s.kernel; ++k) {
      const std::ptrdiff_t place = corner + k / s.kernel * line + k % s.kernel * s.images;
      for (int i = 0; i < s.images; ++i) {
        const bool here = x[place + i] == largest[i];
        const float gradient = here ? open[i] : 0.0f;
        gx[place + i] = kOverlap ? gx[place + i] + gradient : gradient;
        open[i] = here ? 0.0f : open[i];
      }
    }
  }
}

FLATENN_SIMD void pool_backward(const PoolShape& s, bool overlap, const float* x, const float* y,
                                const float* gy, float* gx, float* open) {
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(s.width) * s.images;
  const std::ptrdiff_t out_line = static_cast<std::ptrdiff_t>(s.out_width()) * s.images;
  for (int c = 0; c < s.channels; ++c) {
    for (int oy = 0; oy < s.out_height(); ++oy) {
      const std::ptrdiff_t in = (static_cast<std::ptrdiff_t>(c) * s.height + oy * s.stride) * line;
      const std::ptrdiff_t out = (static_cast<std::ptrdiff_t>(c) * s.out_height() + oy) * out_line;
      if (overlap) {
        pool_row_backward<true>(s, x + in, y + out, gy + out, gx + in, open);
      } else {
        pool_row_backward<false>(s, x + in, y + out, gy + out, gx + in, open);
      }
    }
  }
}

}  // namespace

void conv_forward(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
  const std::ptrdiff_t in_plane = static_cast<std::ptrdiff_t>(s.height) * s.width * s.images;
  const std::ptrdiff_t out_plane =
      static_cast<std::ptrdiff_t>(s.out_height()) * s.out_width() * s.images;
  correlate({s.images, s.in_channels, s.out_channels, s.kernel, s.width, s.out_width(), in_plane,
             out_plane, x, w, bias, y},
            forward_taps(s.height, s.out_height(), s), forward_taps(s.width, s.out_width(), s));
}

void conv_backward_input(const ConvShape& s, const float* gy, const float* w, float* gx) {
  // Input and output channels change places.
  const int taps = s.kernel * s.kernel;
  std::vector<float> turned(static_cast<std::size_t>(s.out_channels) * s.window());
  for (int out = 0; out < s.out_channels; ++out) {
    for (int in = 0; in < s.in_channels; ++in) {
      std::copy_n(w + (static_cast<std::ptrdiff_t>(out) * s.in_channels + in) * taps, taps,
                  turned.data() + (static_cast<std::ptrdiff_t>(in) * s.out_channels + out) * taps);
    }
  }
  const std::ptrdiff_t in_plane = static_cast<std::ptrdiff_t>(s.height) * s.width * s.images;
  const std::ptrdiff_t out_plane =
      static_cast<std::ptrdiff_t>(s.out_height()) * s.out_width() * s.images;
  correlate({s.images, s.out_channels, s.in_channels, s.kernel, s.out_width(), s.width, out_plane,
             in_plane, gy, turned.data(), nullptr, gx},
            backward_taps(s.height, s.out_height(), s), backward_taps(s.width, s.out_width(), s));
}

void conv_backward_weight(const ConvShape& s, const float* x, const float* gy, float* gw,
                          float* gbias) {
  const int images = (s.images + kLanes - 1) / kLanes * kLanes;
  std::vector<float> x_copy, gy_copy;
  if (s.padding > 0 || images != s.images) {
    x_copy = padded(x, s.in_channels, s.height, s.width, s.images, s.padding, images);
    x = x_copy.data();
  }
  if (images != s.images) {
    gy_copy = padded(gy, s.out_channels, s.out_height(), s.out_width(), s.images, 0, images);
    gy = gy_copy.data();
  }
  const int height = s.height + 2 * s.padding;
  const std::ptrdiff_t in_row = static_cast<std::ptrdiff_t>(s.width + 2 * s.padding) * images;
  std::vector<std::ptrdiff_t> sources;
  for (int in = 0; in < s.in_channels; ++in) {
    for (int ky = 0; ky < s.kernel; ++ky) {
      for (int kx = 0; kx < s.kernel; ++kx) {
        sources.push_back((static_cast<std::ptrdiff_t>(in) * height + ky) * in_row +
                          static_cast<std::ptrdiff_t>(kx) * images);
      }
    }
  }
  const std::ptrdiff_t out_plane =
      static_cast<std::ptrdiff_t>(s.out_height()) * s.out_width() * images;
  const std::ptrdiff_t weights = static_cast<std::ptrdiff_t>(s.out_channels) * s.window();
  std::vector<float> sums;  // only between rows
  if (s.out_height() > 1) sums.resize(static_cast<std::size_t>(weights) * kLanes);
  accumulate({images, s.out_channels, s.out_height(), s.out_width(), s.stride, in_row, out_plane, x,
              gy, sources.data(), s.window(), sums.data(), gw});
  for (int c = 0; gbias && c < s.out_channels; ++c)
    gbias[c] = sum_of(gy + c * out_plane, out_plane);
}

void max_pool_forward(const PoolShape& s, const float* x, float* y) {
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(s.width) * s.images;
  const std::ptrdiff_t out_line = static_cast<std::ptrdiff_t>(s.out_width()) * s.images;
  for (int c = 0; c < s.channels; ++c) {
    for (int oy = 0; oy < s.out_height(); ++oy) {
      pool_row(s, x + (static_cast<std::ptrdiff_t>(c) * s.height + oy * s.stride) * line,
               y + (static_cast<std::ptrdiff_t>(c) * s.out_height() + oy) * out_line);
    }
  }
}

void max_pool_backward(const PoolShape& s, const float* x, const float* y, const float* gy,
                       float* gx) {
  const bool tiles = s.kernel == s.stride && s.height % s.stride == 0 && s.width % s.stride == 0;
  if (!tiles) {
    std::fill_n(gx, static_cast<std::ptrdiff_t>(s.channels) * s.height * s.width * s.images, 0.0f);
  }
  std::vector<float> open(static_cast<std::size_t>(s.images));
  pool_backward(s, !tiles, x, y, gy, gx, open.data());
}

}  // namespace flatenn
