#include "flatenn/train/settings.h"

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {

void bind(Binder& b, NetworkSettings& s) {
  b.value("name", s.name, "lenet5, mlp, resnet20, resnet18 or simplenet");
  b.choice("quantizer", s.quantizer, {"lsq", "saq", "robust", "symmetric"},
           "how weights are quantized");
  b.choice("encoding", s.encoding, {"twos_complement", "offset_binary", "sign_magnitude"},
           "how weight codes are stored");
  b.value("weight_bits", s.weight_bits, "bits of a weight code", between(2, 8));
  b.value("activation_bits", s.activation_bits, "bits of an activation code", between(2, 8));
  b.value("first_weight_bits", s.first_weight_bits, "first layer; 0: as weight_bits",
          between(0, 8));
  b.value("last_weight_bits", s.last_weight_bits, "last layer; 0: as weight_bits", between(0, 8));
  b.choice("norm", s.norm, {"none", "batch", "group"},
           "normalization after every layer but the last; residual networks take none as batch");
  b.choice("order", s.order, {"norm_first", "activation_first"},
           "batch norm before the activation or behind it");
  b.value("hidden", s.hidden, "sizes of the hidden layers, mlp only", at_least(1));
  b.value("width", s.width, "simplenet only: share of its channels", between(0.001, 1));
}

void bind(Binder& b, OptimizerSettings& s) {
  b.value("learning_rate", s.learning_rate, "at its highest", at_least(0));
  b.value("muon_rate", s.muon_rate,
          "learning rate of inner layers' weights with orthogonalised updates; 0: as all others",
          at_least(0));
  b.value("step_change", s.step_change,
          "largest share of itself that a learned step moves in one update; 0: no bound",
          between(0, 0.5));
  b.value("momentum", s.momentum, "share of the last update that is kept", between(0, 1));
  b.value("nesterov", s.nesterov, "look ahead along the momentum");
  b.value("weight_decay", s.weight_decay, "on weights alone, without those of muon_rate",
          at_least(0));
  b.choice("schedule", s.schedule, {"cosine", "step"}, "course of the learning rate");
  b.value("warmup_steps", s.warmup_steps, "steps over which the learning rate rises", at_least(0));
  b.value("milestones", s.milestones, "schedule step: fractions of all epochs", between(0, 1));
  b.value("decay", s.decay, "schedule step: factor at each milestone", between(0, 1));
  b.value("weight_clip", s.weight_clip, "largest magnitude of a weight; 0: no clipping",
          at_least(0));
}

const std::vector<std::string>& step_plan_names() {
  static const std::vector<std::string> names{"plain", "sharpness_aware", "random_bit_error",
                                              "ascent_and_errors", "worse_of_both"};
  return names;
}

bool takes_ascent(StepPlanKind kind) {
  return kind != StepPlanKind::plain && kind != StepPlanKind::random_bit_error;
}

bool takes_errors(StepPlanKind kind) {
  return kind != StepPlanKind::plain && kind != StepPlanKind::sharpness_aware;
}

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names{"weight", "adaptive", "code", "code_per_layer"};
  return names;
}

namespace {

void bind_errors(Binder& b, BitErrorSettings& s) {
  b.choice("kind", s.kind, {"flip", "stuck0", "stuck1", "stuck"}, "what faulty cells do");
  b.value("rate", s.rate, "share of faulty cells, drawn anew at each step", between(0, 1));
  b.choice("schedule", s.schedule, {"constant", "curricular"}, "course of the rate");
  b.value("start_loss", s.start_loss, "clean loss of a batch below which errors are injected",
          at_least(0));
  b.value("clean_share", s.clean_share, "share of the clean gradient in the update", between(0, 1));
  b.value("gradient_clip", s.gradient_clip,
          "largest element of the perturbed pass's gradient; 0: not clamped", at_least(0));
  b.value("step_gradient", s.step_gradient, "errors grow with the learned weight step");
  b.value("alternating", s.alternating, "two updates a step, clean and perturbed");
  b.value("expose", s.expose, "cells that errors hit, for example [\"fc*:top\"]; none: all");
}

}  // namespace

void bind(Binder& b, StepPlanSettings& s) {
  b.choice("kind", s.kind, step_plan_names(), "what a training step does");
  b.value("every", s.every, "perturb only each so many steps", at_least(1));
  b.value("layers", s.layers, "ascent moves these layers alone, for example [\"fc*\"]; none: all");
  b.section("errors", [&] { bind_errors(b, s.errors); });
  b.choice("metric", s.metric, metric_names(), "space in which the perturbation has its radius");
  b.value("radius", s.radius, "of the perturbation", at_least(0));
  b.value("adaptive_eta", s.adaptive_eta, "added to |w| by the adaptive metric", at_least(0));
  b.value("radius_warmup", s.radius_warmup, "epochs over which the radius rises from 0",
          at_least(0));
  b.choice("radius_schedule", s.radius_schedule, {"constant", "linear", "cosine"},
           "course of the radius after the warm-up");
  b.value("radius_final", s.radius_final, "where linear and cosine end", at_least(0));
  b.value("include_bias", s.include_bias, "weight and adaptive: biases join the norm");
  b.value("include_batch_norm", s.include_batch_norm, "weight and adaptive: normalizations join");
  b.value("include_activation_step", s.include_activation_step,
          "weight and adaptive: activation steps join");
  b.value("include_weight_step", s.include_weight_step, "weight and adaptive: weight steps join");
  b.value("update_statistics_in_second_pass", s.update_statistics_in_second_pass,
          "running statistics also follow the perturbed pass");
}

void bind(Binder& b, SparsitySettings& s) {
  b.value("strength", s.strength, "of L1 on activations, summed over a sample", at_least(0));
  b.value("target", s.target, "percent of zero codes to steer to; 0: strength stays",
          between(0, 99.9));
}

void bind(Binder& b, AveragingSettings& s) {
  b.choice("kind", s.kind, {"none", "swa", "ema"}, "mean of parameters along training");
  b.value("start", s.start, "share of all steps after which averaging begins", between(0, 1));
  b.value("decay", s.decay, "ema: share of the average that a step keeps", between(0, 0.9999999));
}

const std::vector<std::string>& mask_shape_names() {
  static const std::vector<std::string> names{"line", "square", "random", "channel", "pixel"};
  return names;
}

void bind(Binder& b, InjectionSettings& s) {
  b.value("probability", s.probability, "that a layer's output for an image is hit", between(0, 1));
  b.choice("shape", s.shape, mask_shape_names(), "of what is hit");
  b.value("largest_error", s.largest_error, "elements are multiplied by up to this, either sign",
          at_least(0));
}

namespace {

void bind_augmentation(Binder& b, Augmentation& s) {
  b.value("pad", s.pad, "pixels of padding before a random crop", between(0, 16));
  b.value("flip", s.flip, "mirror every image in every other epoch");
}

}  // namespace

void bind(Binder& b, TrainSettings& s) {
  b.value("dataset", s.dataset, "name of the data set");
  b.value("data_folder", s.data_folder, "where its files are; empty: where Debian installs them");
  b.value("epochs", s.epochs, "passes over the training images", between(1, 100000));
  b.value("float_epochs", s.float_epochs, "the first of them, plain and without quantization",
          at_least(0));
  b.value("batch", s.batch, "images a step", between(1, 65536));
  b.value("seed", s.seed, "of weights, order of images and augmentation");
  b.choice("precision", s.precision, precision_names(),
           "of convolutions in training steps; bfloat16 needs AVX512_BF16");
  b.value("device", s.device, "cpu, cuda, cuda:1");
  b.value("threads", s.threads, "of one training", between(1, 1024));
  b.section("network", [&] { bind(b, s.network); });
  b.section("optimizer", [&] { bind(b, s.optimizer); });
  b.section("plan", [&] { bind(b, s.plan); });
  b.section("sparsity", [&] { bind(b, s.sparsity); });
  b.section("averaging", [&] { bind(b, s.averaging); });
  b.section("injection", [&] { bind(b, s.injection); });
  b.section("augmentation", [&] { bind_augmentation(b, s.augmentation); });
}

namespace {

void check_name(std::string_view what, const std::string& name,
                const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::string close = closest_name(name, known);
  fail("unknown {} '{}'{}; known: {}", what, name,
       close.empty() ? "" : "; did you mean '" + close + "'?", fmt::join(known, ", "));
}

WeightFormat weight_format_of(const NetworkSettings& s) {
  return {s.quantizer, {s.weight_bits, s.encoding, s.quantizer == WeightQuantizer::robust}};
}

void check_bits(int bits, std::string_view key) {
  if (bits == 1) fail("network.{} = 1: codes have 2 to 8 bits (0: as weight_bits)", key);
}

void check_plan(const StepPlanSettings& s, int epochs) {
  const std::string& kind = step_plan_names()[static_cast<std::size_t>(s.kind)];
  const auto ineffective = [&](std::string_view setting, StepPlanKind wanted) {
    fail("plan.{} has no effect with plan.kind = \"{}\"; did you mean \"{}\"?", setting, kind,
         step_plan_names()[static_cast<std::size_t>(wanted)]);
  };
  const bool ascends = takes_ascent(s.kind);
  const bool errs = takes_errors(s.kind);
  if (!ascends && s.radius != 0) {
    ineffective(fmt::format("radius = {}", s.radius),
                errs ? StepPlanKind::ascent_and_errors : StepPlanKind::sharpness_aware);
  }
  if (!ascends && !s.layers.empty()) ineffective("layers", StepPlanKind::sharpness_aware);
  if (!errs && s.errors.rate != 0) {
    ineffective(fmt::format("errors.rate = {}", s.errors.rate),
                ascends ? StepPlanKind::ascent_and_errors : StepPlanKind::random_bit_error);
  }
  if (errs && s.errors.rate == 0) {
    fail("plan.kind = \"{}\" needs plan.errors.rate above 0, for example 0.02", kind);
  }
  if (ascends && errs && s.radius == 0) {
    fail("plan.kind = \"{}\" needs plan.radius above 0; without it, it is \"random_bit_error\"",
         kind);
  }
  if (s.errors.alternating && s.kind != StepPlanKind::random_bit_error) {
    ineffective("errors.alternating = true", StepPlanKind::random_bit_error);
  }
  if (s.kind == StepPlanKind::plain && s.every != 1) {
    ineffective(fmt::format("every = {}", s.every), StepPlanKind::sharpness_aware);
  }
  if (s.radius_warmup > epochs) {
    fail("plan.radius_warmup = {} is longer than the {} quantized epochs", s.radius_warmup, epochs);
  }
}

}  // namespace

void check_settings(const TrainSettings& s) {
  check_name("network", s.network.name, network_names());
  check_name("data set", s.dataset, dataset_names());
  check_bits(s.network.first_weight_bits, "first_weight_bits");
  check_bits(s.network.last_weight_bits, "last_weight_bits");
  if (s.network.quantizer == WeightQuantizer::saq &&
      s.network.encoding == Encoding::sign_magnitude) {
    fail(
        "network.quantizer = \"saq\" uses all 2^bits words: network.encoding must be "
        "twos_complement or offset_binary, not sign_magnitude");
  }
  check_weight_format(weight_format_of(s.network), "network");
  if (s.network.order == LayerOrder::activation_first && s.network.norm != Normalization::batch) {
    fail("network.order = \"activation_first\" needs network.norm = \"batch\"");
  }
  if (s.sparsity.target > 0 && s.sparsity.strength <= 0) {
    fail("sparsity.target = {} needs a sparsity.strength above 0 to start from, for example 1e-5",
         s.sparsity.target);
  }
  if (s.float_epochs >= s.epochs) {
    fail("float_epochs = {} leaves none of the {} epochs for quantization", s.float_epochs,
         s.epochs);
  }
  if (s.averaging.kind != AveragingKind::none && s.averaging.start * s.epochs < s.float_epochs) {
    fail("averaging.start = {} lies within the {} epochs without quantization", s.averaging.start,
         s.float_epochs);
  }
  check_plan(s.plan, s.epochs - s.float_epochs);
  if (s.precision == TrainPrecision::bfloat16 && s.device != "cpu") {
    fail("precision = \"bfloat16\" needs device = \"cpu\"; for \"{}\" set precision = \"float32\"",
         s.device);
  }
  if (s.optimizer.muon_rate > 0 && s.optimizer.learning_rate == 0) {
    fail("optimizer.muon_rate = {} follows the schedule of optimizer.learning_rate, which is 0",
         s.optimizer.muon_rate);
  }
  if (s.optimizer.muon_rate > 0 && s.network.name == "mlp" && s.network.hidden.size() < 2) {
    fail("optimizer.muon_rate has no effect: the network has no layer between its first and last");
  }
  if (s.optimizer.nesterov && s.optimizer.momentum == 0) {
    fail("optimizer.nesterov needs optimizer.momentum above 0");
  }
}

Graph build_training_graph(const TrainSettings& settings, const Dataset& data) {
  const PixelScale pixels = pixel_scale(settings.dataset);
  const NetworkSettings& s = settings.network;
  NetworkOptions options;
  options.input = {data.channels, data.height, data.width, pixels.scale, pixels.zero_point};
  options.classes = data.classes;
  options.weights = weight_format_of(s);
  options.activation_bits = s.activation_bits;
  options.first_weight_bits = s.first_weight_bits;
  options.last_weight_bits = s.last_weight_bits;
  options.norm = s.norm;
  options.order = s.order;
  options.hidden = s.hidden;
  options.width = s.width;
  return build_network(s.name, options);
}

}  // namespace flatenn
