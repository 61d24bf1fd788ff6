#include "flatenn/engine/torch_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/bias_codes.h"

namespace flatenn {
namespace {

NetworkOptions options_for(int bits, WeightQuantizer quantizer = WeightQuantizer::lsq) {
  NetworkOptions options{.input = {1, 12, 12, 0.1f, 60}, .activation_bits = bits, .hidden = {20}};
  options.weights.quantizer = quantizer;
  options.weights.code.bits = bits;
  options.weights.code.saturating = quantizer == WeightQuantizer::robust;
  options.branch_bits = bits;
  return options;
}

/// Every node's codes or values, and the classes.
void expect_equal(const Model& model, const Dataset& data, Evaluator& expected, Evaluator& got) {
  for (std::size_t n = 0; n < model.graph.nodes.size(); ++n) {
    const NodeTrace a = expected.trace(static_cast<int>(n), 1, data.size() - 1);
    const NodeTrace b = got.trace(static_cast<int>(n), 1, data.size() - 1);
    ASSERT_EQ(a.codes, b.codes) << model.graph.nodes[n].name;
    ASSERT_EQ(a.values, b.values) << model.graph.nodes[n].name;
  }
  std::vector<std::uint8_t> a(data.size());
  std::vector<std::uint8_t> b(data.size());
  expected.classify(0, data.size(), a);
  got.classify(0, data.size(), b);
  EXPECT_EQ(a, b);
}

void expect_equals_reference(const Graph& graph, std::uint64_t seed, std::size_t images) {
  const Model model = random_model(graph, seed);
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), images, seed);
  const auto reference = make_reference_evaluator(model, data);
  // A batch that does not divide the number of images.
  const auto torch = make_torch_evaluator(model, data, {.device = "cpu", .batch = 3});
  expect_equal(model, data, *reference, *torch);
}

TEST(TorchEvaluator, EqualsReferenceInEveryCode) {
  for (const int bits : {2, 3, 4, 8}) {
    for (const WeightQuantizer quantizer :
         {WeightQuantizer::lsq, WeightQuantizer::saq, WeightQuantizer::robust}) {
      SCOPED_TRACE(fmt::format("{} bits, {}", bits, to_string(quantizer)));
      NetworkOptions options = options_for(bits, quantizer);
      expect_equals_reference(mlp(options), bits, 8);
      options.input = {1, 28, 28, 0.1f, 60};
      expect_equals_reference(lenet5(options), bits, 4);
    }
  }
  expect_equals_reference(resnet20(options_for(3, WeightQuantizer::saq)), 1, 2);
}

TEST(TorchEvaluator, EqualsReferenceInNormalisedNetworks) {
  for (const int bits : {2, 3, 4, 8}) {
    SCOPED_TRACE(bits);
    NetworkOptions options = options_for(bits, WeightQuantizer::saq);
    options.norm = Normalization::group;
    expect_equals_reference(mlp(options), bits, 8);
    options.width = 0.05;
    expect_equals_reference(simplenet(options), bits, 4);
    options.norm = Normalization::none;
    expect_equals_reference(simplenet(options), bits, 4);
    options.norm = Normalization::group;
    options.input = {1, 28, 28, 0.1f, 60};
    expect_equals_reference(lenet5(options), bits, 4);
  }
}

TEST(TorchEvaluator, SumsOfANormalizationKeepTheirOrder) {
  const Model model = order_sensitive_model();
  const Dataset data = random_dataset({1, 1, 1}, 20, 1);
  const auto reference = make_reference_evaluator(model, data);
  const auto torch = make_torch_evaluator(model, data, {.device = "cpu", .batch = 3});
  expect_equal(model, data, *reference, *torch);
}

TEST(TorchEvaluator, EqualsReferenceOnRandomNetworks) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    expect_equals_reference(random_graph(seed), seed, 4);
  }
}

TEST(SlowTorchEvaluator, EqualsReferenceInNormalisedResidualNetworks) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options = options_for(bits);
    options.norm = Normalization::group;
    expect_equals_reference(resnet20(options), bits, 3);
  }
}

TEST(SlowTorchEvaluator, EqualsReferenceOnResidualNetworks) {
  for (const int bits : {2, 3, 4, 8}) {
    SCOPED_TRACE(bits);
    NetworkOptions options = options_for(bits, WeightQuantizer::saq);
    options.input = {3, 8, 8, 0.1f, 60};
    expect_equals_reference(resnet18(options), bits, 2);
    expect_equals_reference(resnet20(options_for(bits)), bits, 3);
    expect_equals_reference(resnet20(options_for(bits, WeightQuantizer::robust)), bits, 3);
  }
}

/// One layer whose sums pass 2^24, where float32 would lose units.
TEST(TorchEvaluator, SumsBeyondFloatsAreExact) {
  Graph graph;
  graph.nodes = {{"input", Input{3000, 1, 1, 1, 0}, {}},
                 {"fc", Linear{4, true, {.code = {.bits = 8}}}, {0}},
                 {"output", Output{}, {1}}};
  Model model = random_model(graph, 1);
  // Codes of one sign: sums near 127 * 127 * 3000 = 48 million, three times 2^24.
  for (std::int8_t& code : model.weights[0].codes) code = static_cast<std::int8_t>(code | 65) & 127;
  model.affine[1].multiplier.assign(4, 1.0f);
  model.affine[1].addend.assign(4, 0.0f);
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), 20, 2);
  const auto reference = make_reference_evaluator(model, data);
  const auto torch = make_torch_evaluator(model, data);
  EXPECT_GT(reference->trace(2, 0, 1).values[0], 16777216.0f);
  expect_equal(model, data, *reference, *torch);
}

TEST(TorchEvaluator, TiesRoundToEvenAndGoToTheLowestClass) {
  Graph graph;
  graph.nodes = {{"input", Input{5, 1, 1, 1, 0}, {}},
                 {"fc1", Linear{5, true, {.code = {.bits = 2}}}, {0}},
                 {"act", Activation{2}, {1}},
                 {"fc2", Linear{4, true, {.code = {.bits = 2}}}, {2}},
                 {"output", Output{}, {3}}};
  Model model = random_model(graph, 1);
  std::ranges::fill(model.weights[0].codes, 0);
  for (int i = 0; i < 5; ++i) model.weights[0].codes[i * 6] = 1;
  model.affine[1] = {std::vector<float>(5, 0.5f), {}, std::vector<float>(5, 0.0f)};
  std::ranges::fill(model.weights[1].codes, 1);
  model.affine[3] = {{-1, 1, 1, 1}, {}, {0, 0, 0, 0}};
  Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), 1, 2);
  data.images = {1, 3, 5, 7, 200};
  const auto torch = make_torch_evaluator(model, data);
  EXPECT_THAT(torch->trace(2, 0, 1).codes, ::testing::ElementsAre(0, 2, 2, 3, 3));
  std::vector<std::uint8_t> classes(1);
  torch->classify(0, 1, classes);
  EXPECT_EQ(classes[0], 1);
}

TEST(TorchEvaluator, WritesChangeOneCloneOnly) {
  const NetworkOptions options{.input = {1, 28, 28, 0.1f, 60}};
  Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset(options.input, 6, 7);
  const auto original = make_torch_evaluator(model, data);
  const auto changed = original->clone();
  Model other = model;
  std::vector<CodeWrite> writes;
  RandomStream stream(1, Purpose::test, 1);
  for (int t = 0; t < 5; ++t) {
    for (std::size_t e = stream.below(9); e < other.weights[t].codes.size(); e += 7) {
      const auto code = static_cast<std::int8_t>(static_cast<int>(stream.below(16)) - 8);
      other.weights[t].codes[e] = code;
      writes.push_back({t, static_cast<std::int64_t>(e), code});
    }
  }
  changed->write(writes);
  const auto reference = make_reference_evaluator(model, data);
  const auto reference_other = make_reference_evaluator(other, data);
  expect_equal(other, data, *reference_other, *changed);
  expect_equal(model, data, *reference, *original);
  const std::vector<CodeWrite> outside = {{0, 150, 1}};
  EXPECT_THROW(changed->write(outside), InternalError);
}

/// Weights, biases and buffers at once, undone again; on one clone only.
void expect_equals_reference_under_faults(const Graph& graph, std::uint64_t seed,
                                          std::size_t images, double rate) {
  const Model model = with_coded_biases(random_model(graph, seed));
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), images, seed);
  const auto clean = make_reference_evaluator(model, data);
  const auto reference = clean->clone();
  const auto original = make_torch_evaluator(model, data, {.device = "cpu", .batch = 3});
  const auto torch = original->clone();
  MemoryImage memory(model, {true, true, true});
  AppliedFaults applied;
  std::vector<Fault> faults;
  for (const FaultKind kind : {FaultKind::flip, FaultKind::stuck}) {
    draw_fault_map(seed, 1, memory.bits(), rate, faults);
    memory.apply(faults, kind, memory.expose_all(), applied);
    ASSERT_FALSE(applied.writes.empty() || applied.addends.empty() || applied.buffers.empty());
    write_faults(*reference, applied);
    write_faults(*torch, applied);
    expect_equal(model, data, *reference, *torch);
    expect_equal(model, data, *reference, *torch->clone());
    memory.undo(applied);
    write_faults(*reference, applied);
    write_faults(*torch, applied);
  }
  expect_equal(model, data, *clean, *torch);
  expect_equal(model, data, *clean, *original);
}

TEST(TorchEvaluator, EqualsReferenceUnderFaultsEverywhere) {
  for (const int bits : {2, 3, 4, 8}) {
    SCOPED_TRACE(bits);
    NetworkOptions options = options_for(bits, WeightQuantizer::saq);
    expect_equals_reference_under_faults(mlp(options), bits, 8, 0.1);
    options.input = {1, 28, 28, 0.1f, 60};
    expect_equals_reference_under_faults(lenet5(options), bits, 3, 0.02);
    options.norm = Normalization::group;
    expect_equals_reference_under_faults(lenet5(options), bits, 3, 0.02);
  }
}

TEST(SlowTorchEvaluator, EqualsReferenceUnderFaultsInResidualNetworks) {
  for (const int bits : {2, 3, 8}) {
    SCOPED_TRACE(bits);
    expect_equals_reference_under_faults(resnet20(options_for(bits)), bits, 2, 0.02);
  }
}

TEST(TorchEvaluator, FaultsOutsideTheMemoryAreBugs) {
  const NetworkOptions options{.input = {1, 28, 28, 0.1f, 60}};
  const Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset(options.input, 1, 7);
  const auto torch = make_torch_evaluator(model, data);
  const int conv = model.graph.find("conv1");
  const BufferFault fault = {model.graph.find("conv1_act"), 6 * 28 * 28};
  EXPECT_THROW(torch->set_buffer_faults({&fault, 1}), InternalError);
  for (const AddendWrite& write : {AddendWrite{conv, 6, 1}, {conv, -1, 1}, {conv + 1, 0, 1}}) {
    EXPECT_THROW(torch->write_addends({&write, 1}), InternalError);
  }
}

TEST(TorchEvaluator, UnknownDevicesAreNamed) {
  const NetworkOptions options{.input = {1, 28, 28, 0.1f, 60}};
  const Model model = random_model(mlp(options), 7);
  const Dataset data = random_dataset(options.input, 1, 7);
  for (const char* device : {"gpu", "cuda:99", "meta", ""}) {
    EXPECT_THROW(make_torch_evaluator(model, data, {.device = device}), Error) << device;
  }
}

}  // namespace
}  // namespace flatenn
