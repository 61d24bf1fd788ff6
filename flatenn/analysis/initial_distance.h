// InitialDistance: how far training has carried the weights from where they began.
#pragma once

#include <vector>

#include "flatenn/analysis/results.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// |w - w_0| / |w_0| tensor by tensor, w the dequantized weights and w_0 the masters that the
/// recipe in the model's header starts from. Empty where that cannot be known: a network from
/// elsewhere, another version's recipe, or SAQ's quantizer, whose weights are in units of their
/// own. `data`: images of the kind it was trained on.
std::vector<InitialDistance> initial_distances(const Model& model, const Dataset& data);

}  // namespace flatenn
