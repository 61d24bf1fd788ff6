#include "flatenn/quant/fake_quant_kernels.h"

#include <algorithm>
#include <array>

#include "flatenn/base/simd.h"

namespace flatenn::fake_quant {
namespace {

#define FLATENN_INLINE inline __attribute__((always_inline))

/// Adding and taking away 1.5 * 2^23 rounds small floats half to even, in vector form too.
constexpr float kRound = 12582912.0f;
/// Sums run in this many lanes, so that they vectorise and give the same bits everywhere.
constexpr std::int64_t kLanes = 16;
/// Lanes are emptied into a double after this many rounds.
constexpr std::int64_t kRounds = 256;

/// The code of a level that has been clamped.
inline float to_code(const WeightRounding& k, float clamped) {
  const float rounded = clamped + kRound - kRound;
  const float truncated = static_cast<float>(static_cast<int>(clamped));
  return k.truncates ? truncated : rounded;
}

// Blocks of at most kLanes * kRounds elements.

/// Adds to lanes[]: d loss / d scale. Level and code differ by the rounding inside the range; a
/// clamped value moves with the whole level.
FLATENN_SIMD void weights_block(const WeightRounding& k, const float* w, const float* g, float* gw,
                                float* lanes, std::int64_t rounds) {
  const float half = k.offset / k.scale;
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float level = ((w[i] - k.center) / k.spread - k.offset) / k.scale;
      const float above = level > k.lowest ? level : k.lowest;
      const float clamped = above < k.highest ? above : k.highest;
      const float code = to_code(k, clamped);
      const bool inside = clamped == level || k.straight;
      gw[i] = inside ? g[i] / k.spread : 0.0f;
      lanes[j] += g[i] * (inside ? code - level : code + half);
    }
  }
}

/// Adds to sums[]: positive parts; to zeros[]: zero codes.
template <class Element>
FLATENN_INLINE void relu_rounds(const Range& k, const Element* x, Element* y, float* sums,
                                std::int32_t* zeros, std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float value = to_float(x[i]);
      const float positive = value <= 0.0f ? 0.0f : value;  // keeps NaN
      const float level = positive * k.inverse;
      const float code = (level < k.highest ? level : k.highest) + kRound - kRound;
      round_to(y[i], code * k.scale);
      sums[j] += positive;
      zeros[j] += code == 0.0f ? 1 : 0;
    }
  }
}

template <class Element>
FLATENN_INLINE void relu_backward_rounds(const Range& k, float sum_gradient, const Element* x,
                                         const Element* g, Element* gx, float* lanes,
                                         std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float value = to_float(x[i]);
      const float gradient = to_float(g[i]);
      const float positive = value <= 0.0f ? 0.0f : value;  // keeps NaN
      const float level = positive * k.inverse;
      const float clamped = level < k.highest ? level : k.highest;
      const float code = clamped + kRound - kRound;
      const float through = level <= k.highest ? gradient : 0.0f;
      round_to(gx[i], value > 0.0f ? through + sum_gradient : 0.0f);
      lanes[j] += gradient * (level <= k.highest ? code - level : code);
    }
  }
}

template <class Element>
FLATENN_INLINE void signed_elements(const Range& k, const Element* x, Element* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = to_float(x[i]) * k.inverse;
    const float above = level > k.lowest ? level : k.lowest;
    round_to(y[i], ((above < k.highest ? above : k.highest) + kRound - kRound) * k.scale);
  }
}

template <class Element>
FLATENN_INLINE void signed_backward_rounds(const Range& k, const Element* x, const Element* g,
                                           Element* gx, float* lanes, std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float gradient = to_float(g[i]);
      const float level = to_float(x[i]) * k.inverse;
      const float above = level > k.lowest ? level : k.lowest;
      const float clamped = above < k.highest ? above : k.highest;
      const float code = clamped + kRound - kRound;
      const bool inside = clamped == level;
      round_to(gx[i], inside ? gradient : 0.0f);
      lanes[j] += gradient * (inside ? code - level : code);
    }
  }
}

// The same for each instruction set: target_clones takes no templates.

#define FLATENN_ACTIVATION_BLOCKS(Element)                                                       \
  FLATENN_SIMD void relu_block(const Range& k, const Element* x, Element* y, float* sums,        \
                               std::int32_t* zeros, std::int64_t rounds) {                       \
    relu_rounds(k, x, y, sums, zeros, rounds);                                                   \
  }                                                                                              \
  FLATENN_SIMD void relu_backward_block(const Range& k, float sum_gradient, const Element* x,    \
                                        const Element* g, Element* gx, float* lanes,             \
                                        std::int64_t rounds) {                                   \
    relu_backward_rounds(k, sum_gradient, x, g, gx, lanes, rounds);                              \
  }                                                                                              \
  FLATENN_SIMD void signed_block(const Range& k, const Element* x, Element* y, std::int64_t n) { \
    signed_elements(k, x, y, n);                                                                 \
  }                                                                                              \
  FLATENN_SIMD void signed_backward_block(const Range& k, const Element* x, const Element* g,    \
                                          Element* gx, float* lanes, std::int64_t rounds) {      \
    signed_backward_rounds(k, x, g, gx, lanes, rounds);                                          \
  }
FLATENN_ACTIVATION_BLOCKS(float)
FLATENN_ACTIVATION_BLOCKS(Bfloat16)
#undef FLATENN_ACTIVATION_BLOCKS

/// Runs body(first element, rounds, in-place arrays or padded copies) over n elements and leaves
/// the rest, fewer than kLanes, to `tail(first, count)`.
template <class Body, class Tail>
void for_blocks(std::int64_t n, const Body& body, const Tail& tail) {
  std::int64_t i = 0;
  while (n - i >= kLanes) {
    const std::int64_t rounds = std::min(kRounds, (n - i) / kLanes);
    body(i, rounds);
    i += rounds * kLanes;
  }
  if (i < n) tail(i, n - i);
}

double add_lanes(std::array<float, kLanes>& lanes) {
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  lanes.fill(0);
  return sum;
}

/// A gradient kernel over n elements: kernel(inputs x, g, output gx, lanes, rounds). The tail runs
/// on copies padded with zeros, whose gradient is zero. Returns the sum of the lanes.
template <class Kernel, class Element>
double run_backward(const Kernel& kernel, const Element* x, const Element* g, Element* gx,
                    std::int64_t n) {
  std::array<float, kLanes> lanes{};
  double sum = 0;
  for_blocks(
      n,
      [&](std::int64_t i, std::int64_t rounds) {
        kernel(x + i, g + i, gx + i, lanes.data(), rounds);
        sum += add_lanes(lanes);
      },
      [&](std::int64_t i, std::int64_t count) {
        std::array<Element, kLanes> xs{}, gs{}, out{};
        std::copy_n(x + i, count, xs.data());
        std::copy_n(g + i, count, gs.data());
        kernel(xs.data(), gs.data(), out.data(), lanes.data(), 1);
        std::copy_n(out.data(), count, gx + i);
        sum += add_lanes(lanes);
      });
  return sum;
}

}  // namespace

FLATENN_SIMD void weights_forward(const WeightRounding& k, const float* w, float* y,
                                  std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = ((w[i] - k.center) / k.spread - k.offset) / k.scale;
    const float above = level > k.lowest ? level : k.lowest;
    const float code = to_code(k, above < k.highest ? above : k.highest);
    y[i] = k.scale * code + k.offset;
  }
}

double weights_backward(const WeightRounding& r, const float* w, const float* gy, float* gw,
                        std::int64_t n) {
  return run_backward([&](const float* x, const float* g, float* gx, float* lanes,
                          std::int64_t rounds) { weights_block(r, x, g, gx, lanes, rounds); },
                      w, gy, gw, n);
}

template <class Element>
ReluTotals relu_forward(const Range& range, const Element* x, Element* y, std::int64_t n) {
  std::array<float, kLanes> sums{};
  std::array<std::int32_t, kLanes> zeros{};
  ReluTotals totals;
  for_blocks(
      n,
      [&](std::int64_t i, std::int64_t rounds) {
        relu_block(range, x + i, y + i, sums.data(), zeros.data(), rounds);
        totals.sum += add_lanes(sums);
      },
      [&](std::int64_t i, std::int64_t count) {
        std::array<Element, kLanes> xs{}, ys{};
        std::copy_n(x + i, count, xs.data());
        relu_block(range, xs.data(), ys.data(), sums.data(), zeros.data(), 1);
        std::copy_n(ys.data(), count, y + i);
        totals.sum += add_lanes(sums);
        totals.zeros -= kLanes - count;  // the padding
      });
  for (const std::int32_t lane : zeros) totals.zeros += lane;
  return totals;
}

template <class Element>
double relu_backward(const Range& range, float sum_gradient, const Element* x, const Element* gy,
                     Element* gx, std::int64_t n) {
  return run_backward(
      [&](const Element* xs, const Element* g, Element* out, float* lanes, std::int64_t rounds) {
        relu_backward_block(range, sum_gradient, xs, g, out, lanes, rounds);
      },
      x, gy, gx, n);
}

template <class Element>
void signed_forward(const Range& range, const Element* x, Element* y, std::int64_t n) {
  signed_block(range, x, y, n);
}

template <class Element>
double signed_backward(const Range& range, const Element* x, const Element* gy, Element* gx,
                       std::int64_t n) {
  return run_backward(
      [&](const Element* xs, const Element* g, Element* out, float* lanes, std::int64_t rounds) {
        signed_backward_block(range, xs, g, out, lanes, rounds);
      },
      x, gy, gx, n);
}

#define FLATENN_ACTIVATION_KERNELS(Element)                                                    \
  template ReluTotals relu_forward(const Range&, const Element*, Element*, std::int64_t);      \
  template double relu_backward(const Range&, float, const Element*, const Element*, Element*, \
                                std::int64_t);                                                 \
  template void signed_forward(const Range&, const Element*, Element*, std::int64_t);          \
  template double signed_backward(const Range&, const Element*, const Element*, Element*,      \
                                  std::int64_t);
FLATENN_ACTIVATION_KERNELS(float)
FLATENN_ACTIVATION_KERNELS(Bfloat16)
#undef FLATENN_ACTIVATION_KERNELS

}  // namespace flatenn::fake_quant
