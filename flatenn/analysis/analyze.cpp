#include "flatenn/analysis/analyze.h"

#include <torch/types.h>

#include <algorithm>
#include <thread>

#include "flatenn/analysis/activity.h"
#include "flatenn/analysis/curvature.h"
#include "flatenn/analysis/float_network.h"
#include "flatenn/analysis/initial_distance.h"
#include "flatenn/analysis/landscape.h"
#include "flatenn/analysis/sharpness.h"
#include "flatenn/base/error.h"
#include "flatenn/base/thread_time.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/train/process.h"

namespace flatenn {
namespace {

using torch::Tensor;

template <class Body>
double seconds(Body body) {
  const double start = thread_seconds();
  body();
  return thread_seconds() - start;
}

int thread_count(const AnalysisSettings& settings) {
  if (settings.threads > 0) return settings.threads;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

Dataset analysis_images(const AnalysisSettings& settings, const AnalysisInput& input) {
  check_images(input.model, input.data);
  if (settings.images > input.data.size()) {
    fail("images: {} asked, but {} has {}", settings.images, input.data.name, input.data.size());
  }
  return input.data.slice(0, settings.images == 0 ? input.data.size() : settings.images);
}

CurvatureOptions curvature_options(const AnalysisSettings& s, const Dataset& images) {
  CurvatureOptions options;
  options.seed = s.seed;
  options.method = s.curvature_method;
  options.images = s.curvature_images == 0
                       ? images.size()
                       : std::min(images.size(), static_cast<std::size_t>(s.curvature_images));
  options.eigenvalues = s.eigenvalues;
  options.samples = s.trace_samples;
  return options;
}

std::vector<float> to_floats(const Tensor& tensor) {
  const Tensor flat = tensor.to(torch::kFloat32).contiguous().view(-1);
  const float* values = flat.data_ptr<float>();
  return {values, values + flat.numel()};
}

std::vector<WeightDerivatives> derivatives(const std::vector<Tensor>& gradients,
                                           const std::vector<Tensor>& diagonal) {
  std::vector<WeightDerivatives> result;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    WeightDerivatives& one = result.emplace_back();
    one.first = to_floats(gradients[t]);
    if (!diagonal.empty()) one.second = to_floats(diagonal[t]);
  }
  return result;
}

void measure_shape(const AnalysisSettings& s, const FloatNetwork& network,
                   const std::vector<Tensor>& gradients, Analysis& a, const Context& context) {
  LandscapeOptions landscape{s.seed,         s.lines,  s.line_points,
                             s.plane_points, s.extent, thread_count(s)};
  a.landscape = measure_landscape(network, landscape, context);
  for (const auto& [metric, radius] : {std::pair{Metric::weight, s.weight_radius},
                                       {Metric::adaptive, s.adaptive_radius},
                                       {Metric::code, s.code_radius}}) {
    if (radius == 0) continue;
    a.sharpness.push_back(measure_sharpness(network, gradients, a.here, metric, radius, context));
  }
  a.flatness = measure_flatness(
      network, a.here, {s.seed, s.average_radius, s.draws, s.worst_radius, s.restarts, s.steps},
      context);
}

}  // namespace

AnalysisResult analyze(const AnalysisSettings& settings, const AnalysisInput& input,
                       const Context& context) {
  check_settings(settings);
  const Dataset images = analysis_images(settings, input);
  prepare_process(1);  // sums of gradients depend on the number of threads
  AnalysisResult result;
  Analysis& a = result.analysis;
  a.label = input.label;
  a.model_hash = model_hash(input.model);
  a.dataset = input.data.name;
  a.split = input.split;
  a.data_hash = images.hash();
  a.settings = analysis_settings_text(settings);
  a.images = images.size();

  const FloatNetwork network(input.model, images, Precision::single_);
  a.here = network.evaluate({}, context);
  std::vector<Tensor> gradients;
  result.cost.gradient = seconds([&] { gradients = network.gradient({}, context); });
  measure_shape(settings, network, gradients, a, context);

  const CurvatureOptions options = curvature_options(settings, images);
  a.curvature_images = options.images;
  const CurvatureResult curvature = measure_curvature(input.model, images, options, context);
  a.curvature = curvature.curvature;
  const std::vector<Tensor> diagonal =
      settings.trace_samples > 0 ? curvature.diagonal : std::vector<Tensor>();
  result.derivatives = derivatives(gradients, diagonal);
  result.cost.first_order = result.cost.gradient + seconds([&] {
                              a.bits = bit_sensitivities(input.model, result.derivatives);
                            });
  if (settings.trace_samples > 0) {
    result.cost.second_order = curvature.trace_seconds;
    result.cost.subset_gradient = seconds([&] { network.gradient({}, context, options.images); });
  }

  const auto evaluator = make_evaluator(Engine::automatic, input.model, images);
  a.sparsity = layer_sparsity(*evaluator, input.model, images);
  a.margins = measure_margins(*evaluator, input.model, images);
  a.histograms = code_histograms(input.model);
  a.distances = initial_distances(input.model, images);
  return result;
}

}  // namespace flatenn
