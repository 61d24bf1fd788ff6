#include "flatenn/train/bit_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/quant/codec.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// input (6) - fc1 (5) - act - fc2 (3) - output, 4-bit weights.
Graph two_layers(WeightFormat format) {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 6, .height = 1, .width = 1}, {}});
  graph.nodes.push_back({"flat", Flatten{}, {0}});
  graph.nodes.push_back({"fc1", Linear{.out_features = 5, .weights = format}, {1}});
  graph.nodes.push_back({"act", Activation{}, {2}});
  graph.nodes.push_back({"fc2", Linear{.out_features = 3, .weights = format}, {3}});
  graph.nodes.push_back({"output", Output{}, {4}});
  return graph;
}

constexpr std::uint64_t kBits = (30 + 15) * 4;

/// The value that a master's word reads as after flips at these addresses of its tensor.
float faulty_value(float master, const WeightGrid& grid, const WeightFormat& format,
                   std::uint64_t first_bit, const std::vector<Fault>& faults) {
  std::int8_t code = 0;
  quantize_weights({&master, 1}, grid, format.code, {&code, 1});
  std::uint8_t word = encode(format.code, code);
  for (const Fault& fault : faults) {
    if (fault.address < first_bit || fault.address >= first_bit + 4) continue;
    word ^= static_cast<std::uint8_t>(1u << (fault.address - first_bit));
  }
  return dequantize(decode(format.code, word), grid.scale, grid.offset);
}

TEST(BitErrors, AreWhatTheFaultyWordsReadAs) {
  for (const WeightFormat& format :
       {WeightFormat{WeightQuantizer::lsq, {4, Encoding::twos_complement}},
        WeightFormat{WeightQuantizer::lsq, {4, Encoding::sign_magnitude}},
        WeightFormat{WeightQuantizer::lsq, {4, Encoding::offset_binary}},
        WeightFormat{WeightQuantizer::saq, {4, Encoding::offset_binary}},
        WeightFormat{WeightQuantizer::robust, {4, Encoding::offset_binary, true}}}) {
    const Graph graph = two_layers(format);
    const Module module(graph, 1, torch::kCPU);
    BitErrors errors(graph, {}, 9);
    std::vector<Fault> faults;
    draw_fault_map(9, 4, kBits, 0.2, faults, std::uint64_t{1} << 40);
    ASSERT_GT(faults.size(), 10u);
    const std::vector<Tensor> changes = errors.draw(module, 4, 0.2);
    ASSERT_EQ(changes.size(), 2u);
    std::uint64_t address = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const int node = i == 0 ? 2 : 4;
      const Tensor masters = module.find(node, ParameterKind::weight).detach();
      const WeightGrid grid = module.grid(node);
      for (std::int64_t k = 0; k < masters.numel(); ++k, address += 4) {
        const float master = masters.data_ptr<float>()[k];
        const float clean = faulty_value(master, grid, format, address, {});
        const float faulty = faulty_value(master, grid, format, address, faults);
        EXPECT_NEAR(changes[i].data_ptr<float>()[k], faulty - clean, 1e-6)
            << to_string(format.code.encoding) << ", tensor " << i << ", element " << k;
      }
    }
  }
}

std::vector<Tensor> draw(std::int64_t step, double rate, const BitErrorSettings& settings = {}) {
  const Graph graph = two_layers({});
  return BitErrors(graph, settings, 3).draw(Module(graph, 1, torch::kCPU), step, rate);
}

TEST(BitErrors, RateZeroChangesNothingAndRateOneEveryFlippedBit) {
  for (const Tensor& change : draw(0, 0)) EXPECT_EQ(change.count_nonzero().item<int>(), 0);
  for (const Tensor& change : draw(0, 1)) {
    EXPECT_EQ(change.count_nonzero().item<std::int64_t>(), change.numel());
  }
}

TEST(BitErrors, FeelTheLearnedStepOnlyWhenAsked) {
  const Graph graph = two_layers({});
  for (const bool asked : {true, false}) {
    Module module(graph, 1, torch::kCPU);
    BitErrorSettings settings;
    settings.step_gradient = asked;
    const std::vector<Tensor> changes = BitErrors(graph, settings, 3).draw(module, 0, 0.3);
    EXPECT_EQ(changes[1].requires_grad(), asked);
    if (!asked) continue;
    changes[1].sum().backward();
    // sum of (faulty - clean code) times LSQ's gradient scale, 1 / sqrt(N max_code)
    const double expected =
        changes[1].detach().sum().item<double>() / module.grid(4).scale / std::sqrt(15.0 * 7);
    EXPECT_NEAR(module.find(4, ParameterKind::weight_step).grad().item<double>(), expected, 1e-4);
    EXPECT_FALSE(module.find(4, ParameterKind::weight).grad().defined());
  }
}

TEST(BitErrors, AreFreshAtEachStepAndTheSameWhenDrawnAgain) {
  EXPECT_TRUE(torch::equal(draw(7, 0.1)[0], draw(7, 0.1)[0]));
  EXPECT_FALSE(torch::equal(draw(7, 0.1)[0], draw(8, 0.1)[0]));
}

TEST(BitErrors, HitOnlyWhatIsExposed) {
  BitErrorSettings settings;
  settings.expose = {"fc2*:top"};
  const std::vector<Tensor> changes = draw(0, 1, settings);
  EXPECT_EQ(changes[0].count_nonzero().item<int>(), 0);
  const Graph graph = two_layers({});
  const float step = Module(graph, 1, torch::kCPU).grid(4).scale;
  // The top bit of two's complement weighs eight steps.
  EXPECT_TRUE(torch::allclose(changes[1].abs(), torch::full_like(changes[1], 8 * step)));
}

TEST(BitErrors, StuckCellsChangeOnlyBitsOfTheOtherValue) {
  BitErrorSettings settings;
  settings.kind = FaultKind::stuck0;
  const Graph graph = two_layers({});
  const Module module(graph, 1, torch::kCPU);
  const std::vector<Tensor> changes = BitErrors(graph, settings, 3).draw(module, 0, 1);
  const Tensor values =
      torch::round(module.find(2, ParameterKind::weight).detach() / module.grid(2).scale)
          .clamp(-8, 7) *
      module.grid(2).scale;
  EXPECT_TRUE(torch::allclose(changes[0], -values, 1e-5, 1e-7));  // every code reads 0
}

TEST(BitErrors, NothingExposedNamesTheKey) {
  BitErrorSettings settings;
  settings.expose = {"conv*"};
  try {
    BitErrors(two_layers({}), settings, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("plan.errors.expose: "));
    EXPECT_THAT(error.what(), testing::HasSubstr("conv*"));
  }
}

}  // namespace
}  // namespace flatenn
