// Kernels of fake quantization: one pass forward, one pass backward, on the CPU.
//
// Activations are float32 or bfloat16 in memory (Element is float or Bfloat16); arithmetic is
// float32. Sums run in sixteen lanes and are emptied into a double at fixed places of memory: same
// bits everywhere.
#pragma once

#include <cstdint>

#include "flatenn/base/bfloat16.h"

namespace flatenn::fake_quant {

/// Masters onto a grid: WeightGrid and the code range in one.
struct WeightRounding {
  float lowest, highest, scale, offset, center, spread;
  bool straight;   ///< every master counts as inside the range
  bool truncates;  ///< towards zero instead of to nearest
};

/// y = scale * code + offset, n elements.
void weights_forward(const WeightRounding& r, const float* w, float* y, std::int64_t n);
/// gw: gradient to the masters. Returns d loss / d scale (offset / scale stays the same).
double weights_backward(const WeightRounding& r, const float* w, const float* gy, float* gw,
                        std::int64_t n);

/// Codes lowest .. highest, `scale` apart; inverse = 1 / scale.
struct Range {
  float lowest, highest, scale, inverse;
};

struct ReluTotals {
  double sum = 0;          ///< of the inputs' positive parts
  std::int64_t zeros = 0;  ///< zero codes
};

/// y = scale * code of the positive part. range.lowest is 0.
template <class Element>
ReluTotals relu_forward(const Range& range, const Element* x, Element* y, std::int64_t n);
/// gx: gradient to x, given those to y and to the sum of positive parts. Returns d loss / d scale.
template <class Element>
double relu_backward(const Range& range, float sum_gradient, const Element* x, const Element* gy,
                     Element* gx, std::int64_t n);

template <class Element>
void signed_forward(const Range& range, const Element* x, Element* y, std::int64_t n);
template <class Element>
double signed_backward(const Range& range, const Element* x, const Element* gy, Element* gx,
                       std::int64_t n);

}  // namespace flatenn::fake_quant
