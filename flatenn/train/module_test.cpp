#include "flatenn/train/module.h"

#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/graph/builders.h"
#include "flatenn/train/loss_terms.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// conv 4@3x3, activation, pool, linear 3, on 1x6x6 images.
Graph small_graph() {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 1, .height = 6, .width = 6}, {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 4, .kernel = 3, .padding = 1}, {0}});
  graph.nodes.push_back({"act", Activation{}, {1}});
  graph.nodes.push_back({"pool", MaxPool{}, {2}});
  graph.nodes.push_back({"flat", Flatten{}, {3}});
  graph.nodes.push_back({"fc", Linear{.out_features = 3}, {4}});
  graph.nodes.push_back({"output", Output{}, {5}});
  return graph;
}

Tensor some_pixels() {
  return torch::arange(6 * 6 * 5, torch::kFloat32).remainder(7).reshape({1, 6, 6, 5}) / 7;
}

TEST(Module, StartsFromTheSeedAlone) {
  const Module a(small_graph(), 1, torch::kCPU);
  const Module b(small_graph(), 1, torch::kCPU);
  const Module c(small_graph(), 2, torch::kCPU);
  const Tensor weights = a.find(5, ParameterKind::weight);
  EXPECT_TRUE(torch::equal(weights, b.find(5, ParameterKind::weight)));
  EXPECT_FALSE(torch::equal(weights, c.find(5, ParameterKind::weight)));
  const double deviation = weights.std().item<double>();
  EXPECT_NEAR(deviation, std::sqrt(2.0 / 36), 0.05);  // He et al. 2015
}

TEST(Module, FloatPassIsThePlainNetwork) {
  Module module(small_graph(), 1, torch::kCPU);
  const Tensor x = some_pixels();
  const Pass pass = module.forward(x, {.quantized = false, .training = false});
  Tensor y = torch::conv2d(x.permute({3, 0, 1, 2}), module.find(1, ParameterKind::weight),
                           module.find(1, ParameterKind::bias), 1, 1);
  y = torch::max_pool2d(torch::relu(y), 2).flatten(1);
  y = torch::linear(y, module.find(5, ParameterKind::weight), module.find(5, ParameterKind::bias));
  EXPECT_TRUE(torch::allclose(pass.logits, y, 1e-5, 1e-6));
  EXPECT_FALSE(module.initialised());
}

TEST(Module, FirstQuantizedPassSetsActivationSteps) {
  Module module(small_graph(), 1, torch::kCPU);
  module.forward(some_pixels(), {});
  EXPECT_TRUE(module.initialised());
  const float step = module.find(2, ParameterKind::activation_step).item<float>();
  EXPECT_NE(step, 1.0f);
  module.forward(2 * some_pixels(), {});
  EXPECT_EQ(module.find(2, ParameterKind::activation_step).item<float>(), step);
}

TEST(Module, FirstQuantizedPassSetsWeightStepsForTheWeightsThatItMeets) {
  Module module(small_graph(), 1, torch::kCPU);
  const float at_start = module.find(5, ParameterKind::weight_step).item<float>();
  {
    const torch::NoGradGuard guard;
    module.find(5, ParameterKind::weight).mul_(2);
  }
  module.forward(some_pixels(), {.quantized = false});
  EXPECT_EQ(module.find(5, ParameterKind::weight_step).item<float>(), at_start);
  module.forward(some_pixels(), {});
  EXPECT_FLOAT_EQ(module.find(5, ParameterKind::weight_step).item<float>(), 2 * at_start);
}

TEST(Module, TellsWhatAnActivationDid) {
  Module module(small_graph(), 1, torch::kCPU);
  const Pass pass = module.forward(some_pixels(), {.keep_results = true});
  const Tensor codes = pass.results[2];
  EXPECT_EQ(pass.activations, codes.numel());
  EXPECT_EQ(pass.zeros, (codes == 0).sum().item<std::int64_t>());
  EXPECT_NEAR(pass.activation_sum.item<double>(), torch::relu(pass.results[1]).sum().item<double>(),
              1e-3);
  EXPECT_EQ(pass.weights.size(), 2u);
}

TEST(Module, PerturbationIsAddedAfterQuantization) {
  Module module(small_graph(), 1, torch::kCPU);
  const Tensor x = some_pixels();
  const Pass clean = module.forward(x, {});
  std::vector<Tensor> perturbation;
  for (const PassWeights& w : clean.weights) {
    // Far less than a level: quantization would swallow it.
    perturbation.push_back(torch::full_like(w.values, 1e-3f * w.grid.scale).detach());
  }
  const Pass moved = module.forward(x, {.perturbation = perturbation});
  EXPECT_FALSE(torch::equal(clean.logits, moved.logits));
  EXPECT_TRUE(torch::equal(clean.weights[0].values, moved.weights[0].values));
}

TEST(Module, GradientsReachMastersStepsAndQuantizedValues) {
  Module module(small_graph(), 1, torch::kCPU);
  const Batch batch{some_pixels(), torch::tensor({0, 1, 2, 0, 1}, torch::kInt64)};
  const Pass pass = module.forward(batch.pixels, {});
  compute_loss(pass, batch, {1e-3}).total.backward();
  for (const Parameter& p : module.parameters()) {
    ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
    EXPECT_GT(p.tensor.grad().abs().sum().item<float>(), 0) << p.name;
  }
  for (const PassWeights& w : pass.weights) EXPECT_TRUE(w.values.grad().defined());
  module.zero_grad();
  for (const Parameter& p : module.parameters()) EXPECT_FALSE(p.tensor.grad().defined());
}

TEST(Module, GroupNormHasParametersAndNoStatistics) {
  Graph graph = small_graph();
  graph.nodes.insert(graph.nodes.begin() + 2, {"norm", GroupNorm{2}, {1}});
  for (std::size_t i = 3; i < graph.nodes.size(); ++i) {
    graph.nodes[i].inputs = {static_cast<int>(i) - 1};
  }
  Module module(graph, 1, torch::kCPU);
  EXPECT_TRUE(module.buffers().empty());
  const NormalizationValues values = module.normalization_values(2);
  EXPECT_FALSE(values.mean.defined());
  const Batch batch{some_pixels(), torch::tensor({0, 1, 2, 0, 1}, torch::kInt64)};
  const Pass pass = module.forward(batch.pixels, {.keep_results = true});
  compute_loss(pass, batch, {}).total.backward();
  EXPECT_GT(values.gamma.grad().abs().sum().item<float>(), 0);
  EXPECT_GT(values.beta.grad().abs().sum().item<float>(), 0);
  // Two channels of 36 places: mean 0 and variance 1 in every image, in training and after it.
  for (const Tensor& y :
       {pass.results[2],
        module.forward(batch.pixels, {.training = false, .keep_results = true}).results[2]}) {
    const Tensor groups = y.detach().reshape({2, 72, 5});
    EXPECT_LT(groups.mean(1).abs().max().item<float>(), 1e-5);
    EXPECT_LT((groups.var(1, false) - 1).abs().max().item<float>(), 1e-2);
  }
}

/// The cosine of the angle between two tensors.
double cosine(const Tensor& a, const Tensor& b) {
  return (a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>();
}

/// Residual blocks, batch norm and all, on few small images.
struct Residual {
  Residual() : module(resnet20(options()), 1, torch::kCPU) {
    batch.pixels = torch::empty({3, 12, 12, 64});
    RandomStream stream(3, Purpose::test, 0);
    for (std::int64_t i = 0; i < batch.pixels.numel(); ++i) {
      batch.pixels.data_ptr<float>()[i] = static_cast<float>(stream.normal());
    }
    batch.labels = torch::arange(64, torch::kInt64).remainder(10);
  }
  static NetworkOptions options() {
    NetworkOptions options;
    options.input = {3, 12, 12};
    return options;
  }
  std::vector<Tensor> gradients(const PassOptions& how) {
    compute_loss(module.forward(batch.pixels, how), batch, {}).total.backward();
    std::vector<Tensor> found;
    for (const Parameter& parameter : module.parameters()) {
      found.push_back(parameter.tensor.grad());
    }
    module.zero_grad();
    return found;
  }
  Module module;
  Batch batch;
};

TEST(Module, Bfloat16IsNearFloat32AndTheSameEachTime) {
  Residual r;
  // Without quantization: a code that rounds the other way would be no error.
  const PassOptions wide{.quantized = false, .momentum = 0};
  const PassOptions half{.quantized = false, .momentum = 0, .precision = TrainPrecision::bfloat16};
  const Tensor expected = r.module.forward(r.batch.pixels, wide).logits;
  const Tensor logits = r.module.forward(r.batch.pixels, half).logits;
  EXPECT_EQ(logits.scalar_type(), torch::kFloat32);
  EXPECT_GT(cosine(logits, expected), 0.999);
  const std::vector<Tensor> exact = r.gradients(wide), near = r.gradients(half);
  const std::vector<Tensor> again = r.gradients(half);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const Parameter& parameter = r.module.parameters()[i];
    if (!exact[i].defined()) continue;  // steps of activations
    SCOPED_TRACE(parameter.name);
    EXPECT_EQ(near[i].scalar_type(), torch::kFloat32);
    EXPECT_TRUE(torch::equal(near[i], again[i]));
    if (parameter.kind != ParameterKind::weight) continue;
    // Rounding moves inputs across ReLU's corner, layer by layer; libtorch's autocast loses as
    // much.
    EXPECT_GT(cosine(near[i], exact[i]), 0.9);
  }
}

TEST(Module, Bfloat16GivesEveryParameterAGradientAndLeavesOtherPassesAlone) {
  Residual r;
  const PassOptions half{.momentum = 0, .precision = TrainPrecision::bfloat16};
  const Tensor before = r.module.forward(r.batch.pixels, {.training = false}).logits;
  const Pass pass = r.module.forward(r.batch.pixels, half);
  EXPECT_GT(pass.zeros, 0);
  compute_loss(pass, r.batch, {1e-6}).total.backward();
  for (const Parameter& p : r.module.parameters()) {
    ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
    EXPECT_EQ(p.tensor.grad().scalar_type(), torch::kFloat32);
  }
  EXPECT_EQ(pass.activation_sum.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(r.module.forward(r.batch.pixels, {.training = false}).logits, before));
}

TEST(LossTerms, PenaltyIsSummedOverASampleAndAveragedOverTheBatch) {
  Module module(small_graph(), 1, torch::kCPU);
  const Batch batch{some_pixels(), torch::tensor({0, 1, 2, 0, 1}, torch::kInt64)};
  const Pass pass = module.forward(batch.pixels, {});
  const Loss loss = compute_loss(pass, batch, {0.01});
  EXPECT_NEAR(loss.total.item<double>() - loss.cross_entropy.item<double>(),
              0.01 * pass.activation_sum.item<double>() / 5, 1e-5);
  EXPECT_EQ(compute_loss(pass, batch, {0}).total.item<float>(), loss.cross_entropy.item<float>());
}

TEST(Module, DeviceThatIsNotThereIsAnError) {
  if (torch::cuda::is_available()) GTEST_SKIP() << "there is one";
  EXPECT_THROW(Module(small_graph(), 1, torch::Device("cuda")), Error);
}

}  // namespace
}  // namespace flatenn
