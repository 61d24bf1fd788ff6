#include "flatenn/train/ascent.h"

#include <torch/types.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Keeps a vanishing gradient from dividing by zero, as SAQ's code does.
constexpr double kTiny = 1e-12;

double squared_norm(const Tensor& x) {
  return torch::dot(x.reshape(-1), x.reshape(-1)).item<double>();
}

/// Weight and adaptive metric.
std::vector<Tensor> global_ascent(std::span<const AscentMember> members, Metric metric,
                                  double radius, double eta) {
  std::vector<Tensor> steps;
  double squares = 0;
  for (const AscentMember& member : members) {
    if (metric == Metric::weight || !member.values.defined()) {
      squares += squared_norm(member.gradient);
      steps.push_back(member.gradient.clone());
      continue;
    }
    const Tensor scale = member.values.abs() + eta;
    const Tensor scaled = member.gradient * scale;
    squares += squared_norm(scaled);
    steps.push_back(scaled * scale);
  }
  for (Tensor& step : steps) step.mul_(radius / (std::sqrt(squares) + kTiny));
  return steps;
}

/// Code metrics: distances are counted in level spacings.
std::vector<Tensor> code_ascent(std::span<const AscentMember> members, double radius,
                                bool per_layer) {
  std::vector<double> norms;  // of the gradient with respect to codes
  double squares = 0;
  double count = 0;
  for (const AscentMember& member : members) {
    norms.push_back(member.spacing * std::sqrt(squared_norm(member.gradient)));
    squares += norms.back() * norms.back();
    count += static_cast<double>(member.gradient.numel());
  }
  std::vector<Tensor> steps;
  for (const AscentMember& member : members) {
    const double n = per_layer ? static_cast<double>(member.gradient.numel()) : count;
    const double norm = per_layer ? norms[steps.size()] : std::sqrt(squares);
    steps.push_back(member.gradient *
                    (radius * std::sqrt(n) * member.spacing * member.spacing / (norm + kTiny)));
  }
  return steps;
}

}  // namespace

std::vector<Tensor> ascent(std::span<const AscentMember> members, Metric metric, double radius,
                           double adaptive_eta) {
  switch (metric) {
    case Metric::weight:
    case Metric::adaptive:
      return global_ascent(members, metric, radius, adaptive_eta);
    case Metric::code:
      return code_ascent(members, radius, false);
    case Metric::code_per_layer:
      return code_ascent(members, radius, true);
  }
  FLATENN_ASSERT(!"a metric without an ascent");
  return {};
}

}  // namespace flatenn
