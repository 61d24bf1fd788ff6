// Averaging: the mean of a network's parameters along its training, a cheap way to flat minima.
//
// Stochastic weight averaging (Izmailov et al., UAI 2018) or an exponential moving average. The
// average is of float masters, biases, learned steps and what batch norm learned; they are
// quantized as any others when the model is made.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "flatenn/train/module.h"
#include "flatenn/train/settings.h"

namespace flatenn {

class ParameterAverage {
 public:
  ParameterAverage(const Module& module, const AveragingSettings& settings);

  /// After step `step` of `steps` (from 0), `steps_per_epoch` an epoch.
  void update(const Module& module, std::int64_t step, std::int64_t steps,
              std::int64_t steps_per_epoch);

  /// Puts the averages in the place of the parameters. Running statistics of batch norm no longer
  /// fit then: see recalibrate_batch_norm. Without any update so far the module stays.
  void install(Module& module) const;

  bool active() const { return settings_.kind != AveragingKind::none; }

  /// For checkpoints: one tensor a parameter, in their order, none when not active; and how many
  /// updates they hold.
  std::vector<torch::Tensor>& means() { return means_; }
  const std::vector<torch::Tensor>& means() const { return means_; }
  std::int64_t count() const { return count_; }
  void set_count(std::int64_t count) { count_ = count; }

 private:
  AveragingSettings settings_;
  std::vector<torch::Tensor> means_;
  std::int64_t count_ = 0;
};

}  // namespace flatenn
