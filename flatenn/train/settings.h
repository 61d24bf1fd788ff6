// Settings of one training run: everything that determines the model file, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/config/bind.h"
#include "flatenn/data/batches.h"
#include "flatenn/graph/builders.h"

namespace flatenn {

/// The network to build. Bit widths 2 to 8.
struct NetworkSettings {
  std::string name = "lenet5";  ///< network_names()
  WeightQuantizer quantizer = WeightQuantizer::lsq;
  Encoding encoding = Encoding::twos_complement;
  int weight_bits = 4;
  int activation_bits = 4;
  int first_weight_bits = 0;  ///< 0: as weight_bits
  int last_weight_bits = 0;
  bool batch_norm = false;
  std::vector<int> hidden = {256, 128};  ///< mlp only
};

enum class LearningRateSchedule { cosine, step };

/// SGD with momentum. The learning rate rises linearly over warmup_steps, then follows the
/// schedule.
struct OptimizerSettings {
  double learning_rate = 0.05;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 1e-4;
  LearningRateSchedule schedule = LearningRateSchedule::cosine;
  int warmup_steps = 200;
  std::vector<double> milestones = {0.5, 0.75};  ///< step: fractions of all epochs
  double decay = 0.1;                            ///< step: factor at each milestone
};

enum class StepPlanKind { plain, sharpness_aware };

/// The space in which the sharpness-aware perturbation has its radius (design: Code metric).
enum class Metric {
  weight,          ///< epsilon = radius * g / ||g||: SAQ as its official code does it
  adaptive,        ///< epsilon = radius * (|w|+eta)^2 g / ||(|w|+eta) g||
  code,            ///< ||epsilon / spacing|| = radius * sqrt(N), one global norm
  code_per_layer,  ///< the same for every layer by itself
};
enum class RadiusSchedule { constant, linear, cosine };

/// In the order of the values.
const std::vector<std::string>& metric_names();

struct StepPlanSettings {
  StepPlanKind kind = StepPlanKind::plain;
  Metric metric = Metric::code;
  double radius = 0;
  double adaptive_eta = 0.01;
  /// Epochs over which the radius rises linearly from 0 (fractions allowed).
  double radius_warmup = 0;
  /// After the warm-up: constant; or linear / cosine from radius to radius_final.
  RadiusSchedule radius_schedule = RadiusSchedule::constant;
  double radius_final = 0;
  /// What joins the global norm and is perturbed besides the quantized weights (weight metric).
  bool include_bias = true;
  bool include_batch_norm = true;
  bool include_activation_step = true;
  bool include_weight_step = false;
  /// Running statistics of batch norm also follow the second, perturbed pass (as SAQ's code does).
  bool update_statistics_in_second_pass = false;
};

/// L1 on post-ReLU activations: strength * (sum over all activations of a sample), mean over the
/// batch, in every pass.
struct SparsitySettings {
  double strength = 0;
  /// Percent of zero codes to steer to; 0: the strength stays as it is. The controller changes the
  /// strength once an epoch, multiplicatively, from the sparsity measured on the training batches.
  double target = 0;
};

struct TrainSettings {
  std::string dataset = "fashion-mnist";
  std::string data_folder;  ///< empty: where Debian installs it
  NetworkSettings network;
  int epochs = 12;
  int batch = 128;
  std::uint64_t seed = 0;
  OptimizerSettings optimizer;
  StepPlanSettings plan;
  SparsitySettings sparsity;
  Augmentation augmentation;
  /// Device and threads do not belong to the network's identity, but training is byte-identical
  /// only at a fixed number of threads.
  std::string device = "cpu";
  int threads = 1;
};

void bind(Binder& binder, NetworkSettings& settings);
void bind(Binder& binder, OptimizerSettings& settings);
void bind(Binder& binder, StepPlanSettings& settings);
void bind(Binder& binder, SparsitySettings& settings);
void bind(Binder& binder, TrainSettings& settings);

/// Throws Error when settings contradict each other (encoding that the quantizer cannot have, ...).
void check_settings(const TrainSettings& settings);

/// The graph in training form for images like `data`.
Graph build_training_graph(const TrainSettings& settings, const Dataset& data);

}  // namespace flatenn
