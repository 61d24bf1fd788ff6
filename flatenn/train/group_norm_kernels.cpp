#include "flatenn/train/group_norm_kernels.h"

#include <vector>

#include "flatenn/base/simd.h"

namespace flatenn {
namespace {

constexpr int kLanes = 16;

#define FLATENN_INLINE inline __attribute__((always_inline))

/// One group of L neighbouring images: pointers to its first value of the first image.
struct Group {
  std::ptrdiff_t stride;  ///< floats from one value to the next: all images
  int values, places;
  double epsilon;
  const float* x;
  const float* gamma;  ///< of the group's first channel
  // Forward.
  const float* beta;
  float* statistics;  ///< means; gains `stride` floats further
  float* y;
  // Backward.
  const float* known;  ///< statistics
  const float* gy;
  float* gx;
  double* ggamma;  ///< added to
  double* gbeta;   ///< added to
};

template <int L>
FLATENN_INLINE void find_statistics(const Group& g) {
  double mean[L] = {}, squares[L] = {};
  for (int i = 0; i < g.values; ++i) {
    const float* const x = g.x + i * g.stride;
    for (int j = 0; j < L; ++j) mean[j] += static_cast<double>(x[j]);
  }
  for (int j = 0; j < L; ++j) mean[j] /= g.values;
  for (int i = 0; i < g.values; ++i) {
    const float* const x = g.x + i * g.stride;
    for (int j = 0; j < L; ++j) {
      const double distance = static_cast<double>(x[j]) - mean[j];
      squares[j] += distance * distance;
    }
  }
  for (int j = 0; j < L; ++j) {
    const double variance = squares[j] / g.values;
    g.statistics[j] = static_cast<float>(mean[j]);
    g.statistics[g.stride + j] = static_cast<float>(1 / __builtin_sqrt(variance + g.epsilon));
  }
}

template <int L>
FLATENN_INLINE void forward(const Group& g) {
  find_statistics<L>(g);
  float mean[L], gain[L];
  for (int j = 0; j < L; ++j) {
    mean[j] = g.statistics[j];
    gain[j] = g.statistics[g.stride + j];
  }
  for (int i = 0; i < g.values; ++i) {
    const float gamma = g.gamma[i / g.places];
    const float beta = g.beta[i / g.places];
    const float* const x = g.x + i * g.stride;
    float* const y = g.y + i * g.stride;
    for (int j = 0; j < L; ++j) y[j] = (x[j] - mean[j]) * gain[j] * gamma + beta;
  }
}

/// With h = gy * gamma and z the normalised values: gx = gain * (h - mean(h) - z * mean(h * z)).
template <int L>
FLATENN_INLINE void backward(const Group& g) {
  float mean[L], gain[L];
  for (int j = 0; j < L; ++j) {
    mean[j] = g.known[j];
    gain[j] = g.known[g.stride + j];
  }
  double sum[L] = {}, product[L] = {};
  for (int first = 0; first < g.values; first += g.places) {
    const int channel = first / g.places;
    double shift[L] = {}, scale[L] = {};
    for (int i = first; i < first + g.places; ++i) {
      const float* const x = g.x + i * g.stride;
      const float* const gy = g.gy + i * g.stride;
      for (int j = 0; j < L; ++j) {
        shift[j] += static_cast<double>(gy[j]);
        scale[j] += static_cast<double>(gy[j] * ((x[j] - mean[j]) * gain[j]));
      }
    }
    const auto gamma = static_cast<double>(g.gamma[channel]);
    for (int j = 0; j < L; ++j) {
      sum[j] += gamma * shift[j];
      product[j] += gamma * scale[j];
      g.gbeta[channel] += shift[j];
      g.ggamma[channel] += scale[j];
    }
  }
  float mean_h[L], mean_hz[L];
  for (int j = 0; j < L; ++j) {
    mean_h[j] = static_cast<float>(sum[j] / g.values);
    mean_hz[j] = static_cast<float>(product[j] / g.values);
  }
  for (int i = 0; i < g.values; ++i) {
    const float gamma = g.gamma[i / g.places];
    const float* const x = g.x + i * g.stride;
    const float* const gy = g.gy + i * g.stride;
    float* const gx = g.gx + i * g.stride;
    for (int j = 0; j < L; ++j) {
      const float z = (x[j] - mean[j]) * gain[j];
      gx[j] = gain[j] * (gy[j] * gamma - mean_h[j] - z * mean_hz[j]);
    }
  }
}

FLATENN_SIMD void forward_wide(const Group& g) { forward<kLanes>(g); }
FLATENN_SIMD void backward_wide(const Group& g) { backward<kLanes>(g); }
void forward_narrow(const Group& g) { forward<1>(g); }
void backward_narrow(const Group& g) { backward<1>(g); }

/// Moves every pointer to the images from `image` on.
Group at_image(Group g, int image) {
  g.x += image;
  if (g.statistics != nullptr) g.statistics += image;
  if (g.known != nullptr) g.known += image;
  if (g.y != nullptr) g.y += image;
  if (g.gy != nullptr) g.gy += image;
  if (g.gx != nullptr) g.gx += image;
  return g;
}

/// Sixteen images at a time, the rest one by one.
void for_all_images(const Group& g, void (*wide)(const Group&), void (*narrow)(const Group&)) {
  const auto images = static_cast<int>(g.stride);
  int image = 0;
  for (; image + kLanes <= images; image += kLanes) wide(at_image(g, image));
  for (; image < images; ++image) narrow(at_image(g, image));
}

Group group_of(const GroupNormShape& s, int group, const float* x, const float* gamma) {
  Group g{};
  g.stride = s.images;
  g.values = s.values();
  g.places = s.places;
  g.epsilon = s.epsilon;
  g.x = x + std::ptrdiff_t{group} * g.values * g.stride;
  g.gamma = gamma + std::ptrdiff_t{group} * (s.channels / s.groups);
  return g;
}

}  // namespace

void group_norm_forward(const GroupNormShape& shape, const float* x, const float* gamma,
                        const float* beta, float* y, float* statistics) {
  for (int group = 0; group < shape.groups; ++group) {
    Group g = group_of(shape, group, x, gamma);
    g.beta = beta + (g.gamma - gamma);
    g.y = y + (g.x - x);
    g.statistics = statistics + 2 * group * g.stride;
    for_all_images(g, forward_wide, forward_narrow);
  }
}

void group_norm_backward(const GroupNormShape& shape, const float* x, const float* gamma,
                         const float* statistics, const float* gy, float* gx, float* ggamma,
                         float* gbeta) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  std::vector<double> scale(channels), shift(channels);
  for (int group = 0; group < shape.groups; ++group) {
    Group g = group_of(shape, group, x, gamma);
    g.known = statistics + 2 * group * g.stride;
    g.gy = gy + (g.x - x);
    g.gx = gx + (g.x - x);
    g.ggamma = scale.data() + (g.gamma - gamma);
    g.gbeta = shift.data() + (g.gamma - gamma);
    for_all_images(g, backward_wide, backward_narrow);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    ggamma[c] = static_cast<float>(scale[c]);
    gbeta[c] = static_cast<float>(shift[c]);
  }
}

}  // namespace flatenn
