// Settings of one training run: everything that determines the model file, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/config/bind.h"
#include "flatenn/data/batches.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/fault_map.h"
#include "flatenn/train/precision.h"

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
  Normalization norm = Normalization::none;
  LayerOrder order = LayerOrder::norm_first;
  std::vector<int> hidden = {256, 128};  ///< mlp only
  double width = 1;                      ///< simplenet only
};

enum class LearningRateSchedule { cosine, step };

/// SGD with momentum, for the weights of inner layers Muon if asked. Learning rates rise linearly
/// over warmup_steps, then follow the schedule.
struct OptimizerSettings {
  double learning_rate = 0.05;
  /// Above 0: learning rate of the weights of all layers but the first and the last, whose updates
  /// are orthogonalised (Muon: Jordan et al., "Muon: An optimizer for hidden layers in neural
  /// networks", 2024). They keep their norm, and weight decay leaves them alone.
  double muon_rate = 0;
  /// Above 0: at most this share of itself is what a learned step moves in one update. Without it
  /// one batch at a high learning rate can carry a step through zero and far away, above all the
  /// small ones of 8-bit codes. At most a half, so that no step gets to zero.
  double step_change = 0;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 1e-4;
  LearningRateSchedule schedule = LearningRateSchedule::cosine;
  int warmup_steps = 200;
  std::vector<double> milestones = {0.5, 0.75};  ///< step: fractions of all epochs
  double decay = 0.1;                            ///< step: factor at each milestone
  /// After every update weights, biases and what batch norm learned are projected onto
  /// [-weight_clip, weight_clip], a scale onto 1 +- weight_clip (Clipping of Stutz et al., MLSys
  /// 2021); learned steps stay free. 0: no clipping.
  double weight_clip = 0;
};

/// What a training step does. All but plain take a second pass, with perturbed weights.
enum class StepPlanKind {
  plain,
  sharpness_aware,    ///< perturbed by an ascent step; the second pass's gradients update
  random_bit_error,   ///< by fresh errors in the stored codes: RandBET of Stutz et al.
  ascent_and_errors,  ///< by the sum of both
  worse_of_both,      ///< by the one of both that costs more loss; a third pass finds out
};
/// In the order of the values.
const std::vector<std::string>& step_plan_names();
bool takes_ascent(StepPlanKind kind);
bool takes_errors(StepPlanKind kind);

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

enum class ErrorSchedule {
  constant,
  curricular,  ///< rate i / 20, i = 1 .. 20, in equal parts of the first half of training
};

/// Errors in the codes during training (Stutz et al., MLSys 2021, and their code's settings).
struct BitErrorSettings {
  FaultKind kind = FaultKind::flip;
  double rate = 0;  ///< share of faulty cells, drawn anew at each step
  ErrorSchedule schedule = ErrorSchedule::constant;
  /// Errors are injected into batches whose clean cross entropy is below this.
  double start_loss = 1.75;
  /// The update's gradient: clean_share of the clean pass's, the rest of the perturbed pass's,
  /// whose elements are clamped to [-gradient_clip, gradient_clip] first (0: not clamped).
  double clean_share = 0.5;
  double gradient_clip = 0.05;
  /// A learned step also feels that an error's size is counted in it: a smaller step makes smaller
  /// errors. Without it errors are constants, as in the published code, whose ranges are not
  /// learned.
  bool step_gradient = true;
  /// Two updates instead of one, after the clean pass and after the perturbed one; the second
  /// leaves each weight tensor within the range that it had before.
  bool alternating = false;
  std::vector<std::string> expose;  ///< cells, see exposure.h; none: all weights
};

struct StepPlanSettings {
  StepPlanKind kind = StepPlanKind::plain;
  BitErrorSettings errors;
  int every = 1;  ///< only each so many steps are perturbed, the others are plain
  /// Ascent moves these layers alone ("fc*"; none: all), and their biases and weight steps where
  /// these join. Sharpness-aware steps then save the first pass's gradients below them.
  std::vector<std::string> layers;
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

enum class AveragingKind {
  none,
  swa,  ///< equal weights, once an epoch (Izmailov et al., UAI 2018)
  ema,  ///< exponentially decaying weights, each step
};

/// Averaging along training: the network at the end has the mean of the parameters' course.
struct AveragingSettings {
  AveragingKind kind = AveragingKind::none;
  double start = 0.75;   ///< share of all steps after which averaging begins
  double decay = 0.998;  ///< ema: share of the average that a step keeps
};

/// Which part of a layer's output an injected error hits: injection.h.
enum class MaskShape { line, square, random, channel, pixel };
/// In the order of the values.
const std::vector<std::string>& mask_shape_names();

/// Transient errors in what layers compute, in every pass of training (DieHardNet; Cavagnero et
/// al., IOLTS 2022): in each batch one layer, each image by itself.
struct InjectionSettings {
  double probability = 0;  ///< that an image is hit
  MaskShape shape = MaskShape::line;
  double largest_error = 6;  ///< elements are multiplied by +-U(0, largest_error]
};

struct TrainSettings {
  std::string dataset = "fashion-mnist";
  std::string data_folder;  ///< empty: where Debian installs it
  NetworkSettings network;
  int epochs = 12;
  /// The first of them are plain training without any quantization: QAT from a network trained in
  /// full precision, as Esser et al. (ICLR 2020) and SAQ's authors do it.
  int float_epochs = 0;
  int batch = 128;
  std::uint64_t seed = 0;
  /// Of the steps. Validation, recalibration and the final accuracies are float32 or integers.
  TrainPrecision precision = TrainPrecision::float32;
  OptimizerSettings optimizer;
  StepPlanSettings plan;
  SparsitySettings sparsity;
  AveragingSettings averaging;
  InjectionSettings injection;
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
void bind(Binder& binder, AveragingSettings& settings);
void bind(Binder& binder, InjectionSettings& settings);
void bind(Binder& binder, TrainSettings& settings);

/// Throws Error when settings contradict each other (encoding that the quantizer cannot have,
/// errors at rate 0, ...), naming the keys.
void check_settings(const TrainSettings& settings);

/// The graph in training form for images like `data`.
Graph build_training_graph(const TrainSettings& settings, const Dataset& data);

}  // namespace flatenn
