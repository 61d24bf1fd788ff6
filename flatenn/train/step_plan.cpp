#include "flatenn/train/step_plan.h"

#include <torch/types.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Keeps a vanishing gradient from dividing by zero, as SAQ's code does.
constexpr double kTiny = 1e-12;

/// Whether a parameter joins the norm and is perturbed. Weight masters never are: their quantized
/// values stand for them.
bool is_member(const Parameter& parameter, const StepPlanSettings& settings) {
  switch (parameter.kind) {
    case ParameterKind::weight:
      return false;
    case ParameterKind::bias:
      return settings.include_bias;
    case ParameterKind::batch_norm:
      return settings.include_batch_norm;
    case ParameterKind::activation_step:
      return settings.include_activation_step;
    case ParameterKind::weight_step:
      return settings.include_weight_step;
  }
  return false;
}

double squared_norm(const Tensor& x) { return torch::dot(x.view(-1), x.view(-1)).item<double>(); }

/// |p| + eta for the adaptive metric; biases count as 1 (undefined).
Tensor adaptive_scale(const Tensor& values, double eta) { return values.abs() + eta; }

/// Weight and adaptive metric: one global norm over all members.
Perturbation global_perturbation(const Module& module, const Pass& pass,
                                 const StepPlanSettings& settings, double radius) {
  const bool adaptive = settings.metric == Metric::adaptive;
  Perturbation result;
  double squares = 0;
  // First each member's scaled gradient and its share of the norm, then the common factor.
  const auto member = [&](const Tensor& values, bool scaled) {
    const Tensor gradient = values.grad();
    if (!scaled) {
      squares += squared_norm(gradient);
      return gradient.clone();
    }
    const Tensor scale = adaptive_scale(values.detach(), settings.adaptive_eta);
    const Tensor ascent = gradient * scale;
    squares += squared_norm(ascent);
    return ascent * scale;
  };
  for (const PassWeights& weights : pass.weights) {
    result.weights.push_back(member(weights.values, adaptive));
  }
  for (const Parameter& parameter : module.parameters()) {
    const bool joins = is_member(parameter, settings) && parameter.tensor.grad().defined();
    const bool scaled = adaptive && parameter.kind != ParameterKind::bias;
    result.others.push_back(joins ? member(parameter.tensor, scaled) : Tensor());
  }
  const double factor = radius / (std::sqrt(squares) + kTiny);
  for (Tensor& tensor : result.weights) tensor.mul_(factor);
  for (Tensor& tensor : result.others) {
    if (tensor.defined()) tensor.mul_(factor);
  }
  return result;
}

/// Code metrics: distances are counted in level spacings.
Perturbation code_perturbation(const Pass& pass, double radius, bool per_layer) {
  std::vector<double> norms;  // of the gradient with respect to codes
  double squares = 0;
  double count = 0;
  for (const PassWeights& weights : pass.weights) {
    const double norm = weights.grid.scale * std::sqrt(squared_norm(weights.values.grad()));
    norms.push_back(norm);
    squares += norm * norm;
    count += static_cast<double>(weights.values.numel());
  }
  Perturbation result;
  for (std::size_t i = 0; i < pass.weights.size(); ++i) {
    const auto& [node, grid, values] = pass.weights[i];
    const double n = per_layer ? static_cast<double>(values.numel()) : count;
    const double norm = per_layer ? norms[i] : std::sqrt(squares);
    const double spacing = grid.scale;
    const double factor = radius * std::sqrt(n) * spacing * spacing / (norm + kTiny);
    result.weights.push_back(values.grad() * factor);
  }
  return result;
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

class PlainPlan : public StepPlan {
 public:
  StepResult step(Module& module, Sgd& optimizer, const StepInput& input) override {
    const Pass pass = module.forward(input.batch.pixels, {});
    const Loss loss = compute_loss(pass, input.batch, input.terms);
    loss.total.backward();
    optimizer.step(module, input.learning_rate);
    module.zero_grad();
    return describe(pass, loss, input.batch);
  }
};

/// SAQ, case 3 (perturbation of the quantized weights, added after quantization): ascend from the
/// first pass's gradients, update the unperturbed parameters from the second pass's.
class SharpnessAwarePlan : public StepPlan {
 public:
  explicit SharpnessAwarePlan(const StepPlanSettings& settings) : settings_(settings) {}

  StepResult step(Module& module, Sgd& optimizer, const StepInput& input) override {
    StepResult result;
    Perturbation perturbation;
    {
      const Pass pass = module.forward(input.batch.pixels, {});
      const Loss loss = compute_loss(pass, input.batch, input.terms);
      loss.total.backward();
      result = describe(pass, loss, input.batch);
      const torch::NoGradGuard guard;
      perturbation = make_perturbation(module, pass, settings_, input.radius);
    }
    module.zero_grad();
    const std::vector<Tensor> saved = perturb(module, perturbation);
    const Pass pass = module.forward(
        input.batch.pixels, {.update_statistics = settings_.update_statistics_in_second_pass,
                             .perturbation = perturbation.weights});
    const Loss loss = compute_loss(pass, input.batch, input.terms);
    loss.total.backward();
    restore(module, saved);
    optimizer.step(module, input.learning_rate);
    module.zero_grad();
    result.total_loss = loss.total.item<double>();
    return result;
  }

 private:
  /// Adds the perturbation to parameters; returns their old values (undefined: untouched).
  static std::vector<Tensor> perturb(Module& module, const Perturbation& perturbation) {
    const torch::NoGradGuard guard;
    std::vector<Tensor> saved;
    for (std::size_t i = 0; i < perturbation.others.size(); ++i) {
      saved.emplace_back();
      if (!perturbation.others[i].defined()) continue;
      Tensor& tensor = module.parameters()[i].tensor;
      saved.back() = tensor.detach().clone();
      tensor.add_(perturbation.others[i]);
    }
    return saved;
  }

  static void restore(Module& module, const std::vector<Tensor>& saved) {
    const torch::NoGradGuard guard;
    for (std::size_t i = 0; i < saved.size(); ++i) {
      if (saved[i].defined()) module.parameters()[i].tensor.copy_(saved[i]);
    }
  }

  StepPlanSettings settings_;
};

}  // namespace

Perturbation make_perturbation(const Module& module, const Pass& pass,
                               const StepPlanSettings& settings, double radius) {
  switch (settings.metric) {
    case Metric::weight:
    case Metric::adaptive:
      return global_perturbation(module, pass, settings, radius);
    case Metric::code:
      return code_perturbation(pass, radius, false);
    case Metric::code_per_layer:
      return code_perturbation(pass, radius, true);
  }
  FLATENN_ASSERT(!"a metric without a perturbation");
  return {};
}

std::unique_ptr<StepPlan> make_step_plan(const StepPlanSettings& settings) {
  if (settings.kind == StepPlanKind::plain) return std::make_unique<PlainPlan>();
  return std::make_unique<SharpnessAwarePlan>(settings);
}

}  // namespace flatenn
