#include "flatenn/train/averaging.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/data/dataset.h"
#include "flatenn/train/images.h"

namespace flatenn {
namespace {

using torch::Tensor;

Module tiny_module() {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 2, .height = 1, .width = 1}, {}});
  graph.nodes.push_back({"flat", Flatten{}, {0}});
  graph.nodes.push_back({"fc", Linear{.out_features = 1}, {1}});
  graph.nodes.push_back({"output", Output{}, {2}});
  return Module(graph, 0, torch::kCPU);
}

/// The mean of the first weight after steps at which it is 1, 2, 3, ...
double mean_after(const AveragingSettings& settings, std::int64_t steps,
                  std::int64_t steps_per_epoch) {
  Module module = tiny_module();
  ParameterAverage average(module, settings);
  const torch::NoGradGuard guard;
  for (std::int64_t step = 0; step < steps; ++step) {
    for (Parameter& p : module.parameters()) p.tensor.fill_(static_cast<double>(step + 1));
    average.update(module, step, steps, steps_per_epoch);
  }
  average.install(module);
  return module.parameters()[0].tensor.flatten()[0].item<double>();
}

TEST(ParameterAverage, NoneLeavesTheNetwork) { EXPECT_EQ(mean_after({}, 6, 2), 6); }

TEST(ParameterAverage, SwaIsTheEqualMeanOfEpochEnds) {
  AveragingSettings settings{AveragingKind::swa, 0, 0.9};
  EXPECT_NEAR(mean_after(settings, 6, 2), (2 + 4 + 6) / 3.0, 1e-6);
  settings.start = 0.5;
  EXPECT_NEAR(mean_after(settings, 6, 2), (4 + 6) / 2.0, 1e-6);
  settings.start = 1;
  EXPECT_EQ(mean_after(settings, 6, 2), 6);  // nothing to average: as it is
}

TEST(ParameterAverage, EmaFollowsItsRecurrence) {
  double expected = 4;  // after half of six steps
  for (const double next : {5.0, 6.0}) expected = 0.9 * expected + 0.1 * next;
  EXPECT_NEAR(mean_after({AveragingKind::ema, 0.5, 0.9}, 6, 2), expected, 1e-6);
}

TEST(ParameterAverage, BatchNormIsRecalibratedToTheImages) {
  const Dataset data = load_dataset("synthetic", Split::train);
  Graph graph;
  graph.nodes.push_back(
      {"input", Input{.channels = data.channels, .height = data.height, .width = data.width}, {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 2, .kernel = 3}, {0}});
  graph.nodes.push_back({"bn", BatchNorm{}, {1}});
  graph.nodes.push_back({"act", Activation{}, {2}});
  graph.nodes.push_back({"flat", Flatten{}, {3}});
  graph.nodes.push_back({"fc", Linear{.out_features = data.classes}, {4}});
  graph.nodes.push_back({"output", Output{}, {5}});
  Module module(graph, 5, torch::kCPU);
  recalibrate_batch_norm(module, data, torch::kCPU);

  // The mean over all images of the convolution's result, from one pass.
  const std::size_t count = std::min<std::size_t>(data.size(), 20 * 256) / 256 * 256;
  const std::size_t images = count == 0 ? data.size() : count;
  const Batch all = make_batch(data, std::get<Input>(graph.nodes[0].op),
                               std::span(data.images).first(images * data.image_bytes()),
                               std::span(data.labels).first(images), torch::kCPU);
  const Pass pass = module.forward(all.pixels, {.training = false, .keep_results = true});
  const Tensor mean = pass.results[1].to(torch::kFloat64).mean({1, 2, 3});
  EXPECT_TRUE(torch::allclose(module.buffers()[0].tensor.to(torch::kFloat64), mean, 1e-4, 1e-5));
}

}  // namespace
}  // namespace flatenn
