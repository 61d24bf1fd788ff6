// One training step of LeNet-5, batch 128, one thread: float, quantized, sharpness-aware.
//
//   build/release/bench/training_bench
//
// The claims are ratios of CPU times: quantized_step over float_step at most 1.5, and
// sharpness_aware_step over quantized_step at most 2.1. libtorch_float_step is the same network in
// libtorch's own modules, for comparison. Steps with batch 128: images/s = 128 / time.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "flatenn/base/random.h"
#include "flatenn/train/process.h"
#include "flatenn/train/step_plan.h"

namespace flatenn {
namespace {

constexpr std::int64_t kImages = 128;

Batch random_batch() {
  Batch batch{torch::empty({1, 28, 28, kImages}), torch::empty({kImages}, torch::kInt64)};
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
  Network() { prepare_process(1); }
  Module module{lenet5({}), 1, torch::kCPU};
  Sgd optimizer{module, {}};
  Batch batch = random_batch();
};

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

void planned_step(benchmark::State& state, const StepPlanSettings& settings, double strength) {
  Network n;
  const auto plan = make_step_plan(settings, n.module.graph(), 0);
  for (auto _ : state) {
    plan->step(n.module, n.optimizer,
               {n.batch, {strength}, 1e-3, settings.radius, settings.errors.rate, 0});
  }
  count_images(state);
}

void quantized_step(benchmark::State& state) { planned_step(state, {}, 0); }
BENCHMARK(quantized_step)->Unit(benchmark::kMillisecond);

void quantized_sparse_step(benchmark::State& state) { planned_step(state, {}, 1e-5); }
BENCHMARK(quantized_sparse_step)->Unit(benchmark::kMillisecond);

void sharpness_aware_step(benchmark::State& state) {
  StepPlanSettings settings;
  settings.kind = StepPlanKind::sharpness_aware;
  settings.radius = 0.01;
  planned_step(state, settings, 0);
}
BENCHMARK(sharpness_aware_step)->Unit(benchmark::kMillisecond);

void ascent_of_linear_layers_step(benchmark::State& state) {
  StepPlanSettings settings;
  settings.kind = StepPlanKind::sharpness_aware;
  settings.radius = 0.01;
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
  const Batch batch = random_batch();
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

}  // namespace
}  // namespace flatenn

BENCHMARK_MAIN();
