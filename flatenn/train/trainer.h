// Trainer: from settings and data to a model. Needs no torch header.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "flatenn/base/events.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/train/settings.h"

namespace flatenn {

struct TrainData {
  Dataset train, validation, test;
  std::string train_hash;  ///< Dataset's
};
/// Opens the three splits that the settings name.
TrainData load_train_data(const TrainSettings& settings);

/// Trains in `folder` and leaves there
///   config.toml             resolved settings
///   log.jsonl               one JSON line an epoch
///   checkpoint.safetensors  after each epoch, atomically; training resumes from it exactly
///   model.safetensors       at the end: integer codes; float, clean accuracy and sparsity on test
/// A finished folder with the same settings returns its model at once. A folder with other settings
/// is an Error. Stops with Interrupted after the running step, the last checkpoint intact. A
/// non-finite loss throws Error with epoch, step and likely cause, the last checkpoint intact. So
/// does, before any file is written, a precision that this processor lacks.
/// A network whose dead channels pass faults on louder than its others (graph/dead_channels.h) is
/// told of as a warning.
///
/// Several trainings may run side by side, one std::thread each: a training touches no global state
/// but what prepare_process() sets (process.h): the number of threads of libtorch and BLAS, so give
/// all of them the same settings.threads, and the allocator's thresholds. The hot operations of
/// float32 on the CPU are our own and have one fixed order of sums (kernels.h, fake_quant.h), and
/// oneDNN's convolutions in bfloat16 have one at a fixed number of threads; with threads = 1 the
/// rest is serial too. So a training alone and the same training beside others
/// leave byte-identical files.
Model train(const TrainSettings& settings, const TrainData& data,
            const std::filesystem::path& folder, const Context& context = default_context());

/// What a log line says of one epoch; accuracies and sparsity in percent.
struct EpochRecord {
  int epoch = 0;    ///< from 1
  double loss = 0;  ///< mean cross entropy over the training batches (first pass)
  double train_accuracy = 0;
  double validation_accuracy = 0;  ///< quantized (after float epochs), in float32
  /// The same network on the same images in the precision of its training, where that is another.
  std::optional<double> validation_accuracy_bfloat16;
  double sparsity = 0;  ///< zero codes over training batches; 0 in float epochs
  double sparsity_strength = 0;
  double learning_rate = 0;
  double radius = 0;
  double error_rate = 0;
  double seconds = 0;
};

}  // namespace flatenn
