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
  double radius = 0;
};

class StepPlan {
 public:
  virtual ~StepPlan() = default;
  /// One update of the module. Parameters have no gradient before and after.
  virtual StepResult step(Module& module, Sgd& optimizer, const StepInput& input) = 0;
};

std::unique_ptr<StepPlan> make_step_plan(const StepPlanSettings& settings);

/// The ascent of a sharpness-aware step: what is added to the quantized weights, and to other
/// parameters, for the second pass.
struct Perturbation {
  std::vector<torch::Tensor> weights;  ///< one a weight node, graph order
  std::vector<torch::Tensor> others;   ///< one a parameter; undefined: none
};

/// From the gradients of a finished first pass, see ascent.h. The code metrics perturb weights
/// alone; the others also what the settings let join the norm, biases plainly.
Perturbation make_perturbation(const Module& module, const Pass& pass,
                               const StepPlanSettings& settings, double radius);

}  // namespace flatenn
