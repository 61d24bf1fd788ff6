// Drawing, applying and undoing one fault map against drawing one random number a bit.
//
//   build/release/bench/fault_map_bench
//
// Memory: 11.2 M weights of 4 bits (ResNet-18 for CIFAR), fault rate 1e-3. The two baselines only
// draw and compare, they neither store nor apply: one 32-bit number a bit from the same
// counter-based generator, all words of all blocks used, and from std::mt19937. The claim is the
// CPU time of one_philox_number_a_bit over that of draw_apply_undo: at least 50.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/protected_memory.h"

namespace flatenn {
namespace {

constexpr double kRate = 1e-3;
constexpr std::int64_t kWeights = 11'200'000;
constexpr std::uint64_t kBits = 4 * kWeights;
constexpr auto kBelow = static_cast<std::uint32_t>(kRate * 4294967296.0);

Model one_tensor() {
  Model model;
  WeightTensor weights;
  weights.name = "layer.weight";
  weights.shape = {static_cast<int>(kWeights)};
  weights.codes.resize(kWeights);
  RandomStream stream(1, Purpose::test, 0);
  for (auto& code : weights.codes) code = static_cast<std::int8_t>(stream.below(16)) - 8;
  model.weights.push_back(std::move(weights));
  return model;
}

void draw(benchmark::State& state) {
  std::vector<Fault> faults;
  std::uint64_t map = 0;
  for (auto _ : state) draw_fault_map(1, map++, kBits, kRate, faults);
  state.counters["faults"] = static_cast<double>(faults.size());
}
BENCHMARK(draw)->Unit(benchmark::kMillisecond);

void draw_apply_undo(benchmark::State& state) {
  MemoryImage image(one_tensor());
  const Exposure all = image.expose_all();
  std::vector<Fault> faults;
  AppliedFaults applied;
  std::uint64_t map = 0;
  for (auto _ : state) {
    draw_fault_map(1, map++, kBits, kRate, faults);
    image.apply(faults, FaultKind::flip, all, applied);
    image.undo(applied);
  }
}
BENCHMARK(draw_apply_undo)->Unit(benchmark::kMillisecond);

/// The same through a guard. The claim is about whole trials, of which this is a small part: a
/// guarded campaign costs at most 1.5 times an unguarded one (docs/protection.md).
void draw_apply_undo_guarded(benchmark::State& state, const char* protection) {
  ProtectedMemory memory(one_tensor(), {}, parse_protection(protection), {});
  std::vector<Fault> faults;
  AppliedFaults applied;
  std::uint64_t map = 0;
  for (auto _ : state) {
    draw_fault_map(1, map++, memory.bits(), kRate, faults);
    memory.apply(faults, FaultKind::flip, applied);
    memory.undo(applied);
  }
}
BENCHMARK_CAPTURE(draw_apply_undo_guarded, secded, "secded:64")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw_apply_undo_guarded, everything,
                  "interleave:8+rotate:1+tmr:1+secded:64:zero+bound:1")
    ->Unit(benchmark::kMillisecond);

void one_philox_number_a_bit(benchmark::State& state) {
  std::vector<std::uint64_t> words(1024);
  for (auto _ : state) {
    std::uint64_t faults = 0;
    for (std::uint64_t number = 0; number < kBits; number += 2 * words.size()) {
      random_words(1, Purpose::test, 0, 0, number / 8, words);
      for (const std::uint64_t word : words) {
        faults += static_cast<std::uint32_t>(word) < kBelow;
        faults += static_cast<std::uint32_t>(word >> 32) < kBelow;
      }
    }
    benchmark::DoNotOptimize(faults);
  }
}
BENCHMARK(one_philox_number_a_bit)->Unit(benchmark::kMillisecond);

void one_mt19937_number_a_bit(benchmark::State& state) {
  std::mt19937 generator(1);
  for (auto _ : state) {
    std::uint64_t faults = 0;
    for (std::uint64_t bit = 0; bit < kBits; ++bit) faults += generator() < kBelow;
    benchmark::DoNotOptimize(faults);
  }
}
BENCHMARK(one_mt19937_number_a_bit)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace flatenn

BENCHMARK_MAIN();
