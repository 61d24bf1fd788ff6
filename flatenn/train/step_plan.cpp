#include "flatenn/train/step_plan.h"

#include <torch/types.h>

#include "flatenn/train/ascent.h"

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
    case ParameterKind::batch_norm:
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
  std::vector<AscentMember> members;
  for (const PassWeights& weights : pass.weights) {
    members.push_back({weights.values.grad(), weights.values.detach(), weights.grid.scale});
  }
  Perturbation result;
  result.others.resize(module.parameters().size());
  const bool weights_alone =
      settings.metric == Metric::code || settings.metric == Metric::code_per_layer;
  std::vector<std::size_t> joined;
  for (std::size_t i = 0; i < result.others.size() && !weights_alone; ++i) {
    const Parameter& parameter = module.parameters()[i];
    if (!is_member(parameter, settings) || !parameter.tensor.grad().defined()) continue;
    const bool bias = parameter.kind == ParameterKind::bias;
    members.push_back({parameter.tensor.grad(), bias ? Tensor() : parameter.tensor.detach(), 1});
    joined.push_back(i);
  }
  result.weights = ascent(members, settings.metric, radius, settings.adaptive_eta);
  for (std::size_t k = 0; k < joined.size(); ++k) {
    result.others[joined[k]] = result.weights[pass.weights.size() + k];
  }
  result.weights.resize(pass.weights.size());
  return result;
}

std::unique_ptr<StepPlan> make_step_plan(const StepPlanSettings& settings) {
  if (settings.kind == StepPlanKind::plain) return std::make_unique<PlainPlan>();
  return std::make_unique<SharpnessAwarePlan>(settings);
}

}  // namespace flatenn
