#include "flatenn/train/optimizer.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "flatenn/base/error.h"
#include "flatenn/train/muon.h"

namespace flatenn {

using torch::Tensor;

namespace {

/// Scales of batch norm start at one and stay around it; everything else around zero.
void clip_parameter(Parameter& parameter, double clip) {
  const bool scale = parameter.name.ends_with(".gamma");
  switch (parameter.kind) {
    case ParameterKind::weight:
    case ParameterKind::bias:
    case ParameterKind::normalization:
      parameter.tensor.clamp_((scale ? 1 : 0) - clip, (scale ? 1 : 0) + clip);
      return;
    case ParameterKind::activation_step:
    case ParameterKind::weight_step:
      return;
  }
}

bool is_step(ParameterKind kind) {
  return kind == ParameterKind::activation_step || kind == ParameterKind::weight_step;
}

/// Whether a parameter is the weights of a layer between the first and the last one.
std::vector<bool> inner_weights(const std::vector<Parameter>& parameters) {
  std::vector<std::size_t> weights;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].kind == ParameterKind::weight) weights.push_back(i);
  }
  std::vector<bool> inner(parameters.size(), false);
  for (std::size_t k = 1; k + 1 < weights.size(); ++k) inner[weights[k]] = true;
  return inner;
}

}  // namespace

Sgd::Sgd(const Module& module, const OptimizerSettings& settings)
    : momentum_(settings.momentum),
      weight_decay_(settings.weight_decay),
      weight_clip_(settings.weight_clip),
      step_change_(settings.step_change),
      nesterov_(settings.nesterov),
      muon_share_(settings.muon_rate > 0 ? settings.muon_rate / settings.learning_rate : 0),
      orthogonal_(module.parameters().size(), false) {
  if (settings.muon_rate > 0) orthogonal_ = inner_weights(module.parameters());
  for (const Parameter& parameter : module.parameters()) {
    momenta_.push_back(torch::zeros_like(parameter.tensor, torch::requires_grad(false)));
  }
}

void Sgd::step(Module& module, double learning_rate) {
  const torch::NoGradGuard guard;
  FLATENN_ASSERT(module.parameters().size() == momenta_.size());
  for (std::size_t i = 0; i < momenta_.size(); ++i) {
    Parameter& parameter = module.parameters()[i];
    Tensor gradient = parameter.tensor.grad();
    if (!gradient.defined()) continue;
    const bool decays = parameter.kind == ParameterKind::weight && !orthogonal_[i];
    if (decays && weight_decay_ != 0) gradient = gradient.add(parameter.tensor, weight_decay_);
    Tensor& momentum = momenta_[i];
    momentum.mul_(momentum_).add_(gradient);
    const Tensor direction = nesterov_ ? gradient.add(momentum, momentum_) : momentum;
    if (orthogonal_[i]) {
      const Tensor norm = parameter.tensor.norm();
      parameter.tensor.add_(orthogonalise(direction), -muon_share_ * learning_rate);
      parameter.tensor.mul_(norm / parameter.tensor.norm());
    } else if (step_change_ > 0 && is_step(parameter.kind)) {
      const Tensor most = parameter.tensor.abs() * step_change_;
      parameter.tensor.add_(torch::clamp(direction * -learning_rate, -most, most));
    } else {
      parameter.tensor.add_(direction, -learning_rate);
    }
    if (weight_clip_ > 0) clip_parameter(parameter, weight_clip_);
  }
}

double learning_rate(const OptimizerSettings& settings, std::int64_t step, std::int64_t steps) {
  double rate = settings.learning_rate;
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  if (settings.schedule == LearningRateSchedule::cosine) {
    rate *= 0.5 * (1 + std::cos(std::numbers::pi * done));
  } else {
    for (const double milestone : settings.milestones) {
      if (done >= milestone) rate *= settings.decay;
    }
  }
  if (step < settings.warmup_steps) {
    rate *= static_cast<double>(step + 1) / settings.warmup_steps;
  }
  return rate;
}

double radius(const StepPlanSettings& settings, std::int64_t step, std::int64_t steps,
              std::int64_t steps_per_epoch) {
  const double warmup = settings.radius_warmup * static_cast<double>(steps_per_epoch);
  const double at = static_cast<double>(step);
  if (at < warmup) return settings.radius * at / warmup;
  const double rest = std::max(1.0, static_cast<double>(steps) - warmup);
  const double done = (at - warmup) / rest;
  const double way = settings.radius_final - settings.radius;
  switch (settings.radius_schedule) {
    case RadiusSchedule::constant:
      return settings.radius;
    case RadiusSchedule::linear:
      return settings.radius + way * done;
    case RadiusSchedule::cosine:
      return settings.radius + way * 0.5 * (1 - std::cos(std::numbers::pi * done));
  }
  return settings.radius;
}

double error_rate(const BitErrorSettings& settings, std::int64_t step, std::int64_t steps) {
  if (settings.schedule == ErrorSchedule::constant) return settings.rate;
  constexpr std::int64_t stairs = 20;
  const std::int64_t stair =
      std::min(stairs, 1 + step * 2 * stairs / std::max<std::int64_t>(1, steps));
  return settings.rate * static_cast<double>(stair) / static_cast<double>(stairs);
}

double steer_strength(double strength, double target, double sparsity) {
  if (target <= 0) return strength;
  const double ratio = (100 - sparsity) / (100 - target);
  return strength * std::clamp(ratio * ratio, 0.5, 2.0);
}

}  // namespace flatenn
