#include "flatenn/analysis/sharpness.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/train/ascent.h"

namespace flatenn {
namespace {

using torch::Tensor;

constexpr double kTiny = 1e-12;
/// Random streams of the two uses, below the index of a draw.
constexpr std::uint64_t kAverageStream = 1 << 20, kWorstStream = 1 << 21;

/// Normal draws, each tensor scaled to `radius` times the norm of the weights.
Displacement on_spheres(const FloatNetwork& network, std::uint64_t seed, std::uint64_t stream,
                        std::uint64_t index, double radius) {
  Displacement z;
  for (const Tensor& w : network.weights()) {
    RandomStream draws(seed, Purpose::direction, stream + index, z.size());
    Tensor d = torch::empty(w.sizes(), torch::kFloat64);
    double* values = d.data_ptr<double>();
    for (std::int64_t i = 0; i < d.numel(); ++i) values[i] = draws.normal();
    d.mul_(radius * norm({w}) / (norm({d}) + kTiny));
    z.push_back(d.to(w.scalar_type()));
  }
  return z;
}

/// Back into the ball of each layer.
void project(const FloatNetwork& network, double radius, Displacement& z) {
  for (std::size_t t = 0; t < z.size(); ++t) {
    const double limit = radius * norm({network.weights()[t]});
    const double length = norm({z[t]});
    if (length > limit) z[t].mul_(limit / length);
  }
}

/// Largest rise on one ascent.
double worst_rise(const FloatNetwork& network, const LossPoint& here,
                  const FlatnessOptions& options, int restart, const Context& context) {
  const double radius = options.worst_radius;
  RandomStream stream(options.seed, Purpose::direction, kWorstStream + restart, 1 << 10);
  Displacement z = on_spheres(network, options.seed, kWorstStream,
                              static_cast<std::uint64_t>(restart), radius * stream.uniform());
  double worst = -std::numeric_limits<double>::infinity();
  for (int step = 0; step <= options.steps; ++step) {
    worst = std::max(worst, network.evaluate(z, context).loss - here.loss);
    if (step == options.steps) break;
    const std::vector<Tensor> gradients = network.gradient(z, context);
    for (std::size_t t = 0; t < z.size(); ++t) {
      const double length = radius / 10 * norm({network.weights()[t]});
      z[t].add_(gradients[t], length / (norm({gradients[t]}) + kTiny));
    }
    project(network, radius, z);
  }
  return worst;
}

}  // namespace

Sharpness measure_sharpness(const FloatNetwork& network, const std::vector<Tensor>& gradients,
                            const LossPoint& here, Metric metric, double radius,
                            const Context& context) {
  std::vector<AscentMember> members;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    members.push_back({gradients[t], network.weights()[t], network.model().weights[t].scale});
  }
  const Displacement e = ascent(members, metric, radius, StepPlanSettings().adaptive_eta);
  return {metric_names().at(static_cast<std::size_t>(metric)), radius, norm(e),
          network.evaluate(e, context).loss - here.loss};
}

Flatness measure_flatness(const FloatNetwork& network, const LossPoint& here,
                          const FlatnessOptions& options, const Context& context) {
  Flatness flatness;
  flatness.average_radius = options.average_radius;
  Accumulator rises;
  for (int i = 0; i < options.draws; ++i) {
    const Displacement z = on_spheres(network, options.seed, kAverageStream,
                                      static_cast<std::uint64_t>(i), options.average_radius);
    rises.add(network.evaluate(z, context).loss - here.loss);
  }
  if (options.draws > 0) flatness.average = t_interval(rises);
  flatness.worst_radius = options.worst_radius;
  flatness.restarts = static_cast<std::uint64_t>(options.restarts);
  for (int i = 0; i < options.restarts; ++i) {
    const double rise = worst_rise(network, here, options, i, context);
    flatness.worst = i == 0 ? rise : std::max(flatness.worst, rise);
    context.events->progress({"flatness", "ascents", i + 1.0, 1.0 * options.restarts, {}});
  }
  context.events->finished("flatness");
  return flatness;
}

}  // namespace flatenn
