// ReferenceEvaluator: Model's arithmetic as plain loops, no library. Slow; it is the definition
// that the other evaluators are tested against.
#pragma once

#include <memory>

#include "flatenn/engine/evaluator.h"

namespace flatenn {

/// Its trace() answers for every node: the values of sums nodes are v of Model's arithmetic.
/// `model` and `data` must outlive it.
std::unique_ptr<Evaluator> make_reference_evaluator(const Model& model, const Dataset& data);

}  // namespace flatenn
