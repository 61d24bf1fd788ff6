// Step plans: what one training step does with a batch.
//
// This is the seam where training methods differ: a batch, a module, loss terms, an optimizer.
#pragma once

#include <memory>

#include "flatenn/train/loss_terms.h"
#include "flatenn/train/module.h"
#include "flatenn/train/optimizer.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// What a step tells, measured in its first, unperturbed pass.
struct StepResult {
  double loss = 0;        ///< mean cross entropy
  double total_loss = 0;  ///< with penalties; of the last pass
  double activation_sum = 0;
  std::int64_t correct = 0;
  std::int64_t zeros = 0;
  std::int64_t activations = 0;
};

/// What changes from step to step.
struct StepInput {
  const Batch& batch;
  LossTerms terms;
  double learning_rate = 0;
  double radius = 0;       ///< of the ascent
  double error_rate = 0;   ///< of bit errors
  std::int64_t step = 0;   ///< over all epochs
  SumsFactor factor = {};  ///< of every pass
  TrainPrecision precision = TrainPrecision::float32;
  bool quantized = true;  ///< false: a plain step, whatever the plan, of the network in floats
};

class StepPlan {
 public:
  virtual ~StepPlan() = default;
  /// One update of the module. Parameters have no gradient before and after.
  virtual StepResult step(Module& module, Sgd& optimizer, const StepInput& input) = 0;
};

/// For a module of `graph`; `seed` keys the bit errors. Throws Error, naming the key, when
/// plan.layers or plan.errors.expose choose nothing in it.
std::unique_ptr<StepPlan> make_step_plan(const StepPlanSettings& settings, const Graph& graph,
                                         std::uint64_t seed);

/// What is added to the quantized weights, and to other parameters, for a perturbed pass.
struct Perturbation {
  std::vector<torch::Tensor> weights;  ///< one a weight node, graph order; undefined: none
  std::vector<torch::Tensor> others;   ///< one a parameter, or no element; undefined: none
};

/// The ascent of a sharpness-aware step from the gradients of a finished first pass, see ascent.h.
/// The code metrics perturb weights alone; the others also what the settings let join the norm,
/// biases plainly. `layers`: one a weight node, whether it moves; none: all do, and so may
/// parameters of other nodes.
Perturbation make_perturbation(const Module& module, const Pass& pass,
                               const StepPlanSettings& settings, double radius,
                               const std::vector<bool>& layers = {});

}  // namespace flatenn
