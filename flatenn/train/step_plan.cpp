#include "flatenn/train/step_plan.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "flatenn/base/error.h"
#include "flatenn/train/ascent.h"
#include "flatenn/train/bit_errors.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Whether a parameter joins the norm and is perturbed. Weight masters never are: their quantized
/// values stand for them.
bool is_member(const Parameter& parameter, const StepPlanSettings& settings) {
  switch (parameter.kind) {
    case ParameterKind::weight:
      return false;
    case ParameterKind::bias:
      return settings.include_bias;
    case ParameterKind::normalization:
      return settings.include_batch_norm;
    case ParameterKind::activation_step:
      return settings.include_activation_step;
    case ParameterKind::weight_step:
      return settings.include_weight_step;
  }
  return false;
}

StepResult describe(const Pass& pass, const Loss& loss, const Batch& batch) {
  const torch::NoGradGuard guard;
  return {loss.cross_entropy.item<double>(),
          loss.total.item<double>(),
          pass.activation_sum.item<double>(),
          (pass.logits.argmax(1) == batch.labels).sum().item<std::int64_t>(),
          pass.zeros,
          pass.activations};
}

/// A pass with its gradients left in the module.
struct FinishedPass {
  Pass pass;
  StepResult result;
};

FinishedPass run_pass(Module& module, const StepInput& input, PassOptions options) {
  options.quantized = input.quantized;
  options.factor = input.factor;
  options.precision = input.precision;
  FinishedPass done;
  done.pass = module.forward(input.batch.pixels, options);
  const Loss loss = compute_loss(done.pass, input.batch, input.terms);
  loss.total.backward();
  done.result = describe(done.pass, loss, input.batch);
  return done;
}

class PlainPlan : public StepPlan {
 public:
  StepResult step(Module& module, Sgd& optimizer, const StepInput& input) override {
    const StepResult result = run_pass(module, input, {}).result;
    optimizer.step(module, input.learning_rate);
    module.zero_grad();
    return result;
  }
};

/// Takes the gradients out of the module; undefined where there is none.
std::vector<Tensor> take_gradients(Module& module) {
  std::vector<Tensor> gradients;
  for (const Parameter& parameter : module.parameters()) {
    gradients.push_back(parameter.tensor.grad());
  }
  module.zero_grad();
  return gradients;
}

void put_gradients(Module& module, const std::vector<Tensor>& gradients) {
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    module.parameters()[i].tensor.mutable_grad() = gradients[i];
  }
}

void clamp_gradients(double clip, std::vector<Tensor>& gradients) {
  for (Tensor& gradient : gradients) {
    if (clip > 0 && gradient.defined()) gradient.clamp_(-clip, clip);
  }
}

/// share of the first and the rest of the second.
std::vector<Tensor> mix(const std::vector<Tensor>& first, const std::vector<Tensor>& second,
                        double share) {
  const torch::NoGradGuard guard;
  std::vector<Tensor> mixed;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const bool both = first[i].defined() && second[i].defined();
    mixed.push_back(both                 ? first[i] * share + second[i] * (1 - share)
                    : first[i].defined() ? first[i]
                                         : second[i]);
  }
  return mixed;
}

/// Adds the perturbation to parameters other than weights for its lifetime.
class Perturbed {
 public:
  Perturbed(Module& module, const Perturbation& perturbation) : module_(module) {
    const torch::NoGradGuard guard;
    for (std::size_t i = 0; i < perturbation.others.size(); ++i) {
      saved_.emplace_back();
      if (!perturbation.others[i].defined()) continue;
      Tensor& tensor = module.parameters()[i].tensor;
      saved_.back() = tensor.detach().clone();
      tensor.add_(perturbation.others[i]);
    }
  }
  ~Perturbed() {
    const torch::NoGradGuard guard;
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i].defined()) module_.parameters()[i].tensor.copy_(saved_[i]);
    }
  }
  Perturbed(const Perturbed&) = delete;
  Perturbed& operator=(const Perturbed&) = delete;

 private:
  Module& module_;
  std::vector<Tensor> saved_;  ///< old values; undefined: untouched
};

/// Two passes: one clean, one with perturbed weights. By an ascent step this is SAQ, case 3
/// (perturbation of the quantized weights, added after quantization); by bit errors RandBET.
class PerturbedPlan : public StepPlan {
 public:
  PerturbedPlan(const StepPlanSettings& settings, const Graph& graph, std::uint64_t seed)
      : settings_(settings) {
    if (takes_errors(settings.kind)) errors_.emplace(graph, settings.errors, seed);
    if (!settings.layers.empty()) choose_layers(graph);
  }

  StepResult step(Module& module, Sgd& optimizer, const StepInput& input) override {
    if (!input.quantized || input.step % settings_.every != 0) {
      return PlainPlan().step(module, optimizer, input);
    }
    const FinishedPass clean = run_pass(module, input, {.first_trained = first_trained_});
    StepResult result = clean.result;
    if (settings_.errors.alternating) {
      optimizer.step(module, input.learning_rate);
      module.zero_grad();
      if (injects(input, result)) update_with_errors(module, optimizer, input, result);
      return result;
    }
    const std::vector<Perturbation> perturbations = candidates(module, clean, input);
    if (!perturbations.empty()) {
      const std::vector<Tensor> first = take_gradients(module);
      std::vector<Tensor> second = worst_gradients(module, perturbations, input, result);
      if (takes_errors(settings_.kind)) {
        clamp_gradients(settings_.errors.gradient_clip, second);
        second = mix(first, second, settings_.errors.clean_share);
      }
      put_gradients(module, second);
    }
    optimizer.step(module, input.learning_rate);
    module.zero_grad();
    return result;
  }

 private:
  void choose_layers(const Graph& graph) {
    const MemoryLayout layout = weight_layout(graph);
    layers_.assign(layout.tensors().size(), false);
    const auto bits = std::ranges::find_if(settings_.layers, names_bits);
    if (bits != settings_.layers.end()) {
      fail("plan.layers: '{}' names bits, but an ascent step moves whole weights", *bits);
    }
    try {
      for (const Exposure::Range& range : layout.expose(settings_.layers).ranges) {
        layers_[static_cast<std::size_t>(layout.cell(range.first).tensor)] = true;
      }
    } catch (const Error& error) {
      fail("plan.layers: {}", error.what());
    }
    if (settings_.kind != StepPlanKind::sharpness_aware) return;
    const auto first = std::ranges::find(layers_, true) - layers_.begin();
    first_trained_ = layout.tensors()[static_cast<std::size_t>(first)].node;
  }

  bool injects(const StepInput& input, const StepResult& clean) const {
    return errors_ && input.error_rate > 0 && clean.loss < settings_.errors.start_loss;
  }

  /// What the second pass may be perturbed by. Without any the step is plain.
  std::vector<Perturbation> candidates(const Module& module, const FinishedPass& clean,
                                       const StepInput& input) {
    std::vector<Perturbation> found;
    if (takes_ascent(settings_.kind)) {
      const torch::NoGradGuard guard;
      found.push_back(make_perturbation(module, clean.pass, settings_, input.radius, layers_));
    }
    if (!injects(input, clean.result)) return found;
    std::vector<Tensor> errors = errors_->draw(module, input.step, input.error_rate);
    if (settings_.kind != StepPlanKind::ascent_and_errors) {
      found.push_back({std::move(errors), {}});
      return found;
    }
    for (std::size_t i = 0; i < errors.size(); ++i) {
      Tensor& ascent = found[0].weights[i];
      ascent = ascent.defined() ? ascent + errors[i] : errors[i];
    }
    return found;
  }

  /// The gradients of the perturbed pass with the largest loss, taken out of the module; its loss
  /// goes into the result.
  std::vector<Tensor> worst_gradients(Module& module, const std::vector<Perturbation>& candidates,
                                      const StepInput& input, StepResult& result) const {
    std::vector<Tensor> gradients;
    double worst = -std::numeric_limits<double>::infinity();
    for (const Perturbation& perturbation : candidates) {
      const Perturbed perturbed(module, perturbation);
      const double loss = second_pass(module, input, perturbation.weights);
      std::vector<Tensor> found = take_gradients(module);
      if (loss <= worst) continue;
      // A loss that is no number must not pass for a small one.
      worst = result.total_loss = loss;
      gradients = std::move(found);
      if (loss != loss) break;
    }
    return gradients;
  }

  double second_pass(Module& module, const StepInput& input,
                     const std::vector<Tensor>& perturbation) const {
    PassOptions options{.perturbation = perturbation};
    if (!settings_.update_statistics_in_second_pass) options.momentum = 0;
    return run_pass(module, input, options).result.total_loss;
  }

  void update_with_errors(Module& module, Sgd& optimizer, const StepInput& input,
                          StepResult& result) {
    result.total_loss =
        second_pass(module, input, errors_->draw(module, input.step, input.error_rate));
    std::vector<Tensor> gradients = take_gradients(module);
    clamp_gradients(settings_.errors.gradient_clip, gradients);
    put_gradients(module, gradients);
    const torch::NoGradGuard guard;
    std::vector<Tensor> before;
    for (const Parameter& parameter : module.parameters()) {
      const bool weight = parameter.kind == ParameterKind::weight;
      before.push_back(weight ? parameter.tensor.detach().clone() : Tensor());
    }
    optimizer.step(module, input.learning_rate);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!before[i].defined()) continue;
      module.parameters()[i].tensor.clamp_(before[i].min().item(), before[i].max().item());
    }
    module.zero_grad();
  }

  StepPlanSettings settings_;
  std::optional<BitErrors> errors_;
  std::vector<bool> layers_;  ///< see make_perturbation
  int first_trained_ = 0;     ///< of the first pass
};

}  // namespace

Perturbation make_perturbation(const Module& module, const Pass& pass,
                               const StepPlanSettings& settings, double radius,
                               const std::vector<bool>& layers) {
  std::vector<AscentMember> members;
  std::vector<Tensor*> targets;
  Perturbation result;
  result.weights.resize(pass.weights.size());
  result.others.resize(module.parameters().size());
  std::vector<int> moving;  // weight nodes
  for (std::size_t i = 0; i < pass.weights.size(); ++i) {
    if (!layers.empty() && !layers[i]) continue;
    const PassWeights& weights = pass.weights[i];
    members.push_back({weights.values.grad(), weights.values.detach(), weights.grid.scale});
    targets.push_back(&result.weights[i]);
    moving.push_back(weights.node);
  }
  const bool weights_alone =
      settings.metric == Metric::code || settings.metric == Metric::code_per_layer;
  for (std::size_t i = 0; i < result.others.size() && !weights_alone; ++i) {
    const Parameter& parameter = module.parameters()[i];
    if (!is_member(parameter, settings) || !parameter.tensor.grad().defined()) continue;
    if (!layers.empty() && std::ranges::find(moving, parameter.node) == moving.end()) continue;
    const bool bias = parameter.kind == ParameterKind::bias;
    members.push_back({parameter.tensor.grad(), bias ? Tensor() : parameter.tensor.detach(), 1});
    targets.push_back(&result.others[i]);
  }
  std::vector<Tensor> moves = ascent(members, settings.metric, radius, settings.adaptive_eta);
  for (std::size_t k = 0; k < moves.size(); ++k) *targets[k] = std::move(moves[k]);
  return result;
}

std::unique_ptr<StepPlan> make_step_plan(const StepPlanSettings& settings, const Graph& graph,
                                         std::uint64_t seed) {
  if (settings.kind == StepPlanKind::plain) return std::make_unique<PlainPlan>();
  return std::make_unique<PerturbedPlan>(settings, graph, seed);
}

}  // namespace flatenn
