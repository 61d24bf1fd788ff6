// TorchEvaluator: exact integer semantics on libtorch, on any device.
#pragma once

#include <memory>
#include <string>

#include "flatenn/engine/evaluator.h"

namespace flatenn {

struct TorchEvaluatorOptions {
  std::string device = "cpu";  ///< "cpu", "cuda", "cuda:1"
  int batch = 250;             ///< images a forward call
};

/// Computes on integer-valued floats: float32 where the range check proves every sum below 2^24,
/// float64 otherwise, so every sum is exact. `model` and `data` must outlive it.
std::unique_ptr<Evaluator> make_torch_evaluator(const Model& model, const Dataset& data,
                                                const TorchEvaluatorOptions& options = {});

}  // namespace flatenn
