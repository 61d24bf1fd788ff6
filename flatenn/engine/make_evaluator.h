// make_evaluator: the evaluator that a setting names.
#pragma once

#include <memory>

#include "flatenn/engine/evaluator.h"

namespace flatenn {

/// Engine::automatic is int8. `model` and `data` must outlive it. Throws Error when the images do
/// not fit the network's input or its classes.
std::unique_ptr<Evaluator> make_evaluator(Engine engine, const Model& model, const Dataset& data);

}  // namespace flatenn
