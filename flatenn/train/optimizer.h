// Optimizer: stochastic gradient descent with momentum.
#pragma once

#include <torch/types.h>

#include <vector>

#include "flatenn/train/module.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// SGD as torch.optim.SGD defines it, then weight clipping. Weight decay applies to weight masters
/// alone: biases, batch norm and learned steps have a scale of their own, which decay would only
/// fight. With settings.muon_rate the weights of inner layers move by that rate times their
/// orthogonalised direction (muon.h) and keep their norm, without decay.
class Sgd {
 public:
  Sgd(const Module& module, const OptimizerSettings& settings);

  /// One update from the parameters' gradients; parameters without one stay.
  void step(Module& module, double learning_rate);

  /// One a parameter, in their order: part of a checkpoint.
  const std::vector<torch::Tensor>& momenta() const { return momenta_; }
  std::vector<torch::Tensor>& momenta() { return momenta_; }

 private:
  double momentum_, weight_decay_, weight_clip_, step_change_;
  bool nesterov_;
  double muon_share_;  ///< of the learning rate: Muon's
  std::vector<torch::Tensor> momenta_;
  std::vector<bool> orthogonal_;  ///< one a parameter: moved by Muon
};

/// The learning rate of step `step` of `steps`.
double learning_rate(const OptimizerSettings& settings, std::int64_t step, std::int64_t steps);

/// The radius of step `step` of `steps`, `steps_per_epoch` an epoch.
double radius(const StepPlanSettings& settings, std::int64_t step, std::int64_t steps,
              std::int64_t steps_per_epoch);

/// The rate of bit errors of step `step` of `steps`.
double error_rate(const BitErrorSettings& settings, std::int64_t step, std::int64_t steps);

/// The strength for the next epoch, from the zero codes measured in the last one, percent. Zeros
/// grow slowly with the strength, so the square of the ratio of the densities is applied, between a
/// half and two. target 0 leaves the strength alone.
double steer_strength(double strength, double target, double sparsity);

}  // namespace flatenn
