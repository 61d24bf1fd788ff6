// Sums of displaced weights that lie beside a rounding tie, taken again in double precision.
//
// Single precision knows a sum to the order of its terms: an activation within that of a tie
// (2.5 spacings, say) then has one code or the next, and so has every loss computed from it. With
// these few sums exact, codes do not depend on who sums in what order.
#pragma once

#include "flatenn/graph/model.h"
#include "flatenn/train/kernels.h"

namespace flatenn {

/// What a quantizer clips to.
struct CodeRange {
  float lowest = 0, highest = 0;
};

/// Replaces those of the results v (out channels, rows, columns, images), the v of Model's
/// arithmetic with real codes of weights, that are nearer to a tie within the range than
/// single precision sums: acc = sum of (c_w + displacement / scale) * x in double precision, the
/// rest as Model defines it. `x`: codes (in channels, rows, columns, images). `displacement`: what
/// is added to the dequantized weights. A linear layer is a convolution of one place.
void settle_ties(const ConvShape& shape, const float* x, const WeightTensor& weights,
                 const float* displacement, const NodeAffine& affine, const CodeRange& range,
                 float* v);

}  // namespace flatenn
