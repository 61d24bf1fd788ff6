// One training step of LeNet-5 and of ResNet-20 (CIFAR form), 4/4 bits, batch 128, one thread:
// float, quantized, sharpness-aware; of ResNet-20 in float32 and in bfloat16.
//
//   build/release/bench/training_bench
//
// The claims are ratios of CPU times: quantized_step over float_step at most 1.5, and
// sharpness_aware_step over quantized_step at most 2.1. libtorch_float_step is the same network in
// libtorch's own modules, for comparison; resnet20_libtorch_step likewise by libtorch's functions,
// batch norm and all, and takes at least 1.5 times as long as resnet20_quantized_step/bfloat16.
// Steps with batch 128: images/s = 128 / time.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "flatenn/base/random.h"
#include "flatenn/train/process.h"
#include "flatenn/train/step_plan.h"

namespace flatenn {
namespace {

constexpr std::int64_t kImages = 128;

Batch random_batch(const Graph& graph) {
  const auto& input = std::get<Input>(graph.nodes.front().op);
  Batch batch{torch::empty({input.channels, input.height, input.width, kImages}),
              torch::empty({kImages}, torch::kInt64)};
  RandomStream stream(1, Purpose::test, 0);
  float* const pixels = batch.pixels.data_ptr<float>();
  for (std::int64_t i = 0; i < batch.pixels.numel(); ++i) {
    pixels[i] = static_cast<float>(stream.normal());
  }
  for (std::int64_t i = 0; i < kImages; ++i) {
    batch.labels.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(stream.below(10));
  }
  return batch;
}

struct Network {
  explicit Network(const Graph& graph = lenet5({}))
      : module(graph, 1, torch::kCPU), optimizer(module, {}), batch(random_batch(graph)) {
    prepare_process(1);
  }
  Module module;
  Sgd optimizer;
  Batch batch;
};

Graph cifar_resnet20() {
  NetworkOptions options;
  options.input = {3, 32, 32};
  return resnet20(options);
}

void count_images(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * kImages);
}

void float_step(benchmark::State& state) {
  Network n;
  for (auto _ : state) {
    const Pass pass = n.module.forward(n.batch.pixels, {.quantized = false});
    const Loss loss = compute_loss(pass, n.batch, {});
    loss.total.backward();
    n.optimizer.step(n.module, 1e-3);
    n.module.zero_grad();
    benchmark::DoNotOptimize(loss.total.item<float>());
  }
  count_images(state);
}
BENCHMARK(float_step)->Unit(benchmark::kMillisecond);

void planned_step(benchmark::State& state, const StepPlanSettings& settings, double strength,
                  const Graph& graph = lenet5({}),
                  TrainPrecision precision = TrainPrecision::float32) {
  Network n(graph);
  const auto plan = make_step_plan(settings, n.module.graph(), 0);
  for (auto _ : state) {
    plan->step(
        n.module, n.optimizer,
        {n.batch, {strength}, 1e-3, settings.radius, settings.errors.rate, 0, {}, precision});
  }
  count_images(state);
}

void quantized_step(benchmark::State& state) { planned_step(state, {}, 0); }
BENCHMARK(quantized_step)->Unit(benchmark::kMillisecond);

void quantized_sparse_step(benchmark::State& state) { planned_step(state, {}, 1e-5); }
BENCHMARK(quantized_sparse_step)->Unit(benchmark::kMillisecond);

StepPlanSettings sharpness_aware() {
  StepPlanSettings settings;
  settings.kind = StepPlanKind::sharpness_aware;
  settings.radius = 0.01;
  return settings;
}

void sharpness_aware_step(benchmark::State& state) { planned_step(state, sharpness_aware(), 0); }
BENCHMARK(sharpness_aware_step)->Unit(benchmark::kMillisecond);

void ascent_of_linear_layers_step(benchmark::State& state) {
  StepPlanSettings settings = sharpness_aware();
  settings.layers = {"fc*"};
  planned_step(state, settings, 0);
}
BENCHMARK(ascent_of_linear_layers_step)->Unit(benchmark::kMillisecond);

void errors_step(benchmark::State& state, StepPlanKind kind) {
  StepPlanSettings settings;
  settings.kind = kind;
  settings.radius = 0.01;
  settings.errors.rate = 0.03;
  settings.errors.start_loss = 1e9;
  planned_step(state, settings, 0);
}
BENCHMARK_CAPTURE(errors_step, random_bit_error, StepPlanKind::random_bit_error)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(errors_step, worse_of_both, StepPlanKind::worse_of_both)
    ->Unit(benchmark::kMillisecond);

void libtorch_float_step(benchmark::State& state) {
  prepare_process(1);
  namespace nn = torch::nn;
  nn::Sequential network(nn::Conv2d(nn::Conv2dOptions(1, 6, 5).padding(2)), nn::ReLU(),
                         nn::MaxPool2d(2), nn::Conv2d(nn::Conv2dOptions(6, 16, 5)), nn::ReLU(),
                         nn::MaxPool2d(2), nn::Flatten(), nn::Linear(400, 120), nn::ReLU(),
                         nn::Linear(120, 84), nn::ReLU(), nn::Linear(84, 10));
  torch::optim::SGD sgd(network->parameters(),
                        torch::optim::SGDOptions(1e-3).momentum(0.9).nesterov(true));
  const Batch batch = random_batch(lenet5({}));
  const torch::Tensor pixels = batch.pixels.permute({3, 0, 1, 2}).contiguous();
  for (auto _ : state) {
    sgd.zero_grad();
    const auto loss = nn::functional::cross_entropy(network->forward(pixels), batch.labels);
    loss.backward();
    sgd.step();
    benchmark::DoNotOptimize(loss.item<float>());
  }
  count_images(state);
}
BENCHMARK(libtorch_float_step)->Unit(benchmark::kMillisecond);

/// The unquantized network by libtorch's functions, images first, from the module's parameters.
torch::Tensor libtorch_logits(const Module& module, const torch::Tensor& images) {
  std::vector<torch::Tensor> results;
  for (int i = 0; i < static_cast<int>(module.graph().nodes.size()); ++i) {
    const Node& node = module.graph().nodes[static_cast<std::size_t>(i)];
    const auto in = [&](std::size_t k) {
      return results[static_cast<std::size_t>(node.inputs[k])];
    };
    const auto find = [&](ParameterKind kind) { return module.find(i, kind); };
    torch::Tensor y = i == 0 ? images : in(0);
    if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
      y = torch::conv2d(y, find(ParameterKind::weight), find(ParameterKind::bias), conv->stride,
                        conv->padding);
    } else if (const auto* norm = std::get_if<BatchNorm>(&node.op)) {
      const NormalizationValues v = module.normalization_values(i);
      y = torch::batch_norm(y, v.gamma, v.beta, v.mean, v.variance, true, norm->momentum,
                            norm->epsilon, false);
    } else if (std::holds_alternative<Add>(node.op)) {
      y = y + in(1);
    } else if (std::holds_alternative<Activation>(node.op)) {
      y = torch::relu(y);
    } else if (const auto* pool = std::get_if<AvgPool>(&node.op)) {
      y = torch::avg_pool2d(y, pool->kernel, pool->stride);
    } else if (std::holds_alternative<Flatten>(node.op)) {
      y = y.flatten(1);
    } else if (std::holds_alternative<Linear>(node.op)) {
      y = torch::linear(y, find(ParameterKind::weight), find(ParameterKind::bias));
    }
    results.push_back(y);
  }
  return results.back();
}

void resnet20_libtorch_step(benchmark::State& state, bool channels_last) {
  Network n(cifar_resnet20());
  const torch::Tensor images = n.batch.pixels.permute({3, 0, 1, 2})
                                   .contiguous(channels_last ? torch::MemoryFormat::ChannelsLast
                                                             : torch::MemoryFormat::Contiguous);
  for (auto _ : state) {
    const torch::Tensor loss =
        at::cross_entropy_loss(libtorch_logits(n.module, images), n.batch.labels);
    loss.backward();
    n.optimizer.step(n.module, 1e-3);
    n.module.zero_grad();
    benchmark::DoNotOptimize(loss.item<float>());
  }
  count_images(state);
}
BENCHMARK_CAPTURE(resnet20_libtorch_step, channels_first, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resnet20_libtorch_step, channels_last, true)->Unit(benchmark::kMillisecond);

void resnet20_quantized_step(benchmark::State& state, TrainPrecision precision) {
  planned_step(state, {}, 0, cifar_resnet20(), precision);
}
BENCHMARK_CAPTURE(resnet20_quantized_step, float32, TrainPrecision::float32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resnet20_quantized_step, bfloat16, TrainPrecision::bfloat16)
    ->Unit(benchmark::kMillisecond);

void resnet20_sharpness_aware_step(benchmark::State& state, TrainPrecision precision) {
  planned_step(state, sharpness_aware(), 0, cifar_resnet20(), precision);
}
BENCHMARK_CAPTURE(resnet20_sharpness_aware_step, float32, TrainPrecision::float32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resnet20_sharpness_aware_step, bfloat16, TrainPrecision::bfloat16)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace flatenn

BENCHMARK_MAIN();
