// Checkpoint: everything an interrupted training needs to go on exactly.
//
// A safetensors file: parameters, running statistics, momenta and averages as tensors; counters,
// settings and the log so far as text. Batch order and augmentation are functions of (seed, epoch),
// so counters are all that is needed of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "flatenn/train/averaging.h"
#include "flatenn/train/identity.h"
#include "flatenn/train/module.h"
#include "flatenn/train/optimizer.h"

namespace flatenn {

/// Where a training stands between two epochs.
struct TrainingState {
  int epochs_done = 0;
  double sparsity_strength = 0;
  std::vector<std::string> log;  ///< one JSON line an epoch done
};

/// Written atomically.
void save_checkpoint(const std::filesystem::path& path, const TrainingIdentity& identity,
                     const TrainingState& state, const Module& module, const Sgd& optimizer,
                     const ParameterAverage& average);

/// Loads into a module, an optimizer and an average of the same settings; nullopt when there is no
/// file. Throws Error when the file is damaged or belongs to another training.
std::optional<TrainingState> load_checkpoint(const std::filesystem::path& path,
                                             const TrainingIdentity& identity, Module& module,
                                             Sgd& optimizer, ParameterAverage& average);

}  // namespace flatenn
