#include "flatenn/train/averaging.h"

#include <torch/types.h>

#include "flatenn/base/error.h"

namespace flatenn {

ParameterAverage::ParameterAverage(const Module& module, const AveragingSettings& settings)
    : settings_(settings) {
  if (!active()) return;
  for (const Parameter& parameter : module.parameters()) {
    means_.push_back(torch::zeros_like(parameter.tensor, torch::requires_grad(false)));
  }
}

void ParameterAverage::update(const Module& module, std::int64_t step, std::int64_t steps,
                              std::int64_t steps_per_epoch) {
  if (!active()) return;
  const bool begun = static_cast<double>(step + 1) > settings_.start * static_cast<double>(steps);
  const bool due = settings_.kind == AveragingKind::ema || (step + 1) % steps_per_epoch == 0;
  if (!begun || !due) return;
  const torch::NoGradGuard guard;
  ++count_;
  // The first value counts in full: an average that starts from zero would be biased towards it.
  const double equal = 1.0 / static_cast<double>(count_);
  const double share =
      settings_.kind == AveragingKind::swa || count_ == 1 ? equal : 1 - settings_.decay;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    means_[i].lerp_(module.parameters()[i].tensor.detach(), share);
  }
}

void ParameterAverage::install(Module& module) const {
  if (count_ == 0) return;
  const torch::NoGradGuard guard;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    module.parameters()[i].tensor.copy_(means_[i]);
  }
}

}  // namespace flatenn
