// For this layer's tests: a training that takes a fraction of a second.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

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

/// A folder of its own, removed with the object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("flatenn-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace flatenn::testing_train
