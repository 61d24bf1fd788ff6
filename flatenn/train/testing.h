// For this layer's tests: a training that takes a fraction of a second.
#pragma once

#include "flatenn/train/trainer.h"

namespace flatenn::testing_train {

/// A small network on the synthetic data set, three epochs, sparse and sharpness-aware.
inline TrainSettings small_settings() {
  TrainSettings s;
  s.dataset = "synthetic";
  s.network.name = "mlp";
  s.network.hidden = {24};
  s.epochs = 3;
  s.batch = 50;
  s.optimizer.warmup_steps = 10;
  s.plan.kind = StepPlanKind::sharpness_aware;
  s.plan.metric = Metric::code;
  s.plan.radius = 0.02;
  s.sparsity = {1e-4, 70};
  return s;
}

}  // namespace flatenn::testing_train
