// Headroom: how much further the codes of a tensor could reach than those that the network uses.
//
//     headroom = largest code that the format holds / largest magnitude of the network's codes
//
// Trained quantizers spend all codes, so the headroom is 1, and no wrong code can be told by its
// size. More of it costs resolution: the same weights in steps that are wider by the same factor.
// After SoftSNN (R. V. W. Putra, M. A. Hanif, M. Shafique, DAC 2022, arXiv 2203.05523), whose
// fixed-point weights have headroom by nature.
#pragma once

#include "flatenn/graph/model.h"

namespace flatenn {

/// Of one tensor; infinite when all its codes are 0.
double headroom(const WeightTensor& weights);

/// The network with a headroom of at least `target` in every tensor: where it was less, steps are
/// wider by f = target / headroom, and codes are round_half_even(code / f). Weight offsets, biases
/// and formats stay. With target 1 the network is what it was. Throws Error unless 1 <= target <=
/// 64. Precondition: check_model accepts the model.
Model with_headroom(const Model& model, double target);

}  // namespace flatenn
