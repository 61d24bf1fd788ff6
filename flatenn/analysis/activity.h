// Activity: what a network's activations and answers look like on a set of images.
#pragma once

#include <vector>

#include "flatenn/analysis/results.h"
#include "flatenn/data/dataset.h"
#include "flatenn/engine/evaluator.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// Zero codes of each activation node, in graph order, over all images of the evaluator's `data`.
std::vector<LayerSparsity> layer_sparsity(Evaluator& evaluator, const Model& model,
                                          const Dataset& data);

/// Margins of the logits over all images of the evaluator's `data`: the mean, and quantiles at
/// steps of 5 %.
Margins measure_margins(Evaluator& evaluator, const Model& model, const Dataset& data);

/// The stored codes, counted tensor by tensor.
std::vector<CodeHistogram> code_histograms(const Model& model);

}  // namespace flatenn
