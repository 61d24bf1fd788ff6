// make_evaluator: the evaluator that a setting names.
#pragma once

#include <memory>

#include "flatenn/engine/evaluator.h"

namespace flatenn {

/// Throws Error when the images do not fit the network's input or its classes.
void check_images(const Model& model, const Dataset& data);

/// Engine::automatic is int8. `model` and `data` must outlive it. Checks the images. `exposed`: the
/// memories in which faults are to come; the evaluator is made for them, and answers the same
/// whatever it says.
std::unique_ptr<Evaluator> make_evaluator(Engine engine, const Model& model, const Dataset& data,
                                          MemoryParts exposed = {});

}  // namespace flatenn
