#include "flatenn/engine/buffer_faults.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/bias_codes.h"

// Faults in activation buffers, biases and weights at once: the definition in the reference
// evaluator, and bit equality of all paths of the integer evaluator with it.

namespace flatenn {
namespace {

constexpr MemoryParts all_parts{true, true, true};

std::vector<std::unique_ptr<Evaluator>> on_all_paths(const Model& model, const Dataset& data) {
  std::vector<Int8Path> paths = {Int8Path::portable};
  if (detect_int8_path() != Int8Path::portable) paths.push_back(Int8Path::avx2);
  if (detect_int8_path() == Int8Path::avx512_vnni) paths.push_back(Int8Path::avx512_vnni);
  std::vector<std::unique_ptr<Evaluator>> evaluators;
  for (const Int8Path path : paths) {
    evaluators.push_back(make_int8_evaluator(model, data, {.path = path}));
  }
  evaluators.push_back(make_int8_evaluator(model, data, {.fuse = false}));
  return evaluators;
}

std::vector<std::uint8_t> classes_of(Evaluator& evaluator, std::size_t count) {
  std::vector<std::uint8_t> classes(count);
  evaluator.classify(0, count, classes);
  return classes;
}

/// Every code, logit and class.
void expect_equal(const Model& model, const Dataset& data, Evaluator& expected, Evaluator& actual,
                  const std::string& where) {
  // First, because it leaves the shortest trace in an evaluator.
  ASSERT_EQ(classes_of(actual, data.size()), classes_of(expected, data.size())) << where;
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  for (int n = 0; n < std::ssize(infos); ++n) {
    if (!infos[n].codes && n + 1 < std::ssize(infos)) continue;
    const NodeTrace a = expected.trace(n, 0, data.size());
    const NodeTrace b = actual.trace(n, 0, data.size());
    ASSERT_EQ(b.codes, a.codes) << where << ", " << model.graph.nodes[n].name;
    ASSERT_EQ(b.values, a.values) << where << ", " << actual.name();
  }
}

/// The answers alone.
void expect_equal_answers(const Model& model, const Dataset& data, Evaluator& expected,
                          Evaluator& actual) {
  const int output = static_cast<int>(model.graph.nodes.size()) - 1;
  ASSERT_EQ(classes_of(actual, data.size()), classes_of(expected, data.size()));
  ASSERT_EQ(actual.trace(output, 0, data.size()).values,
            expected.trace(output, 0, data.size()).values);
}

/// Faults of every kind in everything that the network stores, and undone again.
void expect_same_under_faults(const Graph& graph, std::size_t images, std::uint64_t seed,
                              double rate) {
  const Model model = with_coded_biases(random_model(graph, seed));
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), images, seed);
  const auto reference = make_reference_evaluator(model, data);
  const auto clean = make_reference_evaluator(model, data);
  const auto evaluators = on_all_paths(model, data);
  MemoryImage memory(model, all_parts);
  AppliedFaults applied;
  std::vector<Fault> faults;
  for (const FaultKind kind : {FaultKind::flip, FaultKind::stuck}) {
    draw_fault_map(seed, static_cast<std::uint64_t>(kind), memory.bits(), rate, faults);
    memory.apply(faults, kind, memory.expose_all(), applied);
    write_faults(*reference, applied);
    for (const auto& evaluator : evaluators) {
      write_faults(*evaluator, applied);
      expect_equal(model, data, *reference, *evaluator, "faulty");
      expect_equal_answers(model, data, *reference, *evaluator->clone());
    }
    memory.undo(applied);
    write_faults(*reference, applied);
    for (const auto& evaluator : evaluators) write_faults(*evaluator, applied);
  }
  for (const auto& evaluator : evaluators) {
    expect_equal_answers(model, data, *clean, *evaluator);
  }
}

NetworkOptions options_for(int bits, int channels, int size) {
  NetworkOptions options{.input = {channels, size, size, 0.1f, 73}, .activation_bits = bits};
  options.weights.code.bits = bits;
  options.branch_bits = bits;
  options.hidden = {21, 30};
  return options;
}

TEST(BufferFaults, Lenet5AndMlpAtEveryWidth) {
  for (const int bits : {2, 3, 4, 7, 8}) {
    expect_same_under_faults(lenet5(options_for(bits, 1, 28)), 1, bits, 0.02);
    expect_same_under_faults(mlp(options_for(bits, 1, 12)), 18, bits, 0.05);
  }
}

TEST(BufferFaults, NormalisedNetworksAtEveryWidth) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options = options_for(bits, 3, 12);
    options.norm = Normalization::group;
    options.width = 0.05;
    expect_same_under_faults(mlp(options), 18, bits, 0.05);
    expect_same_under_faults(simplenet(options), 3, bits, 0.02);
    options.input = {1, 28, 28, 0.1f, 73};
    expect_same_under_faults(lenet5(options), 1, bits, 0.02);
  }
}

TEST(BufferFaults, Resnet20) {
  expect_same_under_faults(resnet20(options_for(3, 3, 8)), 1, 1, 0.01);
}

/// Six channels under a convolution: cells hold their right neighbour as well.
TEST(BufferFaults, ReachTheRepeatedLanes) {
  for (const bool negative : {false, true}) {
    Graph graph;
    graph.nodes = {{"input", Input{1, 6, 7, 1, 9}, {}},
                   {"conv1", Conv2d{6, 3, 1, 1}, {0}},
                   {"codes", Activation{4}, {1}},
                   {"conv2", Conv2d{5, 3, 1, 1}, {2}},
                   {"branch", Quantize{6}, {3}},
                   {"flatten", Flatten{}, {4}},
                   {"fc", Linear{4}, {5}},
                   {"output", Output{}, {6}}};
    if (negative) graph.nodes[2].op = Quantize{4};
    expect_same_under_faults(graph, 17, 1, 0.1);
  }
}

TEST(SlowBufferFaults, Resnet20AtEveryWidth) {
  for (const int bits : {2, 4, 5, 8}) {
    expect_same_under_faults(resnet20(options_for(bits, 3, 8)), 2, bits, 0.01);
  }
}

RC_GTEST_PROP(BufferFaultsProperty, EqualTheReferenceOnRandomNetworks, (std::uint64_t seed)) {
  expect_same_under_faults(random_graph(seed), 1, seed, *rc::gen::element(0.005, 0.1, 1.0));
  RC_ASSERT(!::testing::Test::HasFailure());
}

/// The definition, on the nodes that no earlier fault reaches.
TEST(BufferFaults, WhatIsReadIsTheWordUnderItsMasks) {
  for (const int bits : {2, 5, 8}) {
    for (const bool negative : {false, true}) {
      Graph graph;
      graph.nodes = {{"input", Input{2, 5, 6, 1, 9}, {}},
                     {"conv", Conv2d{3, 3, 1, 1}, {0}},
                     {"codes", Activation{bits}, {1}},
                     {"flatten", Flatten{}, {2}},
                     {"fc", Linear{4}, {3}},
                     {"output", Output{}, {4}}};
      if (negative) graph.nodes[2].op = Quantize{bits};
      const Model model = random_model(graph, 3);
      const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), 5, 3);
      const auto evaluator = make_reference_evaluator(model, data);
      std::vector<std::int32_t> codes = evaluator->trace(2, 0, 5).codes;
      std::vector<BufferFault> faults;
      RandomStream stream(1, Purpose::test, static_cast<std::uint64_t>(bits));
      const auto words = 1u << bits;
      for (std::int64_t e = 0; e < 90; e += 1 + static_cast<std::int64_t>(stream.below(3))) {
        const auto stuck = static_cast<std::uint8_t>(stream.below(words));
        const auto toggle = static_cast<std::uint8_t>(stream.below(words));
        faults.push_back({2, e, static_cast<std::uint8_t>(~stuck), toggle});
        for (std::size_t image = 0; image < 5; ++image) {
          std::int32_t& code = codes[image * 90 + static_cast<std::size_t>(e)];
          // Bit by bit: a stuck one has its toggle's value, another one is inverted by it.
          std::int32_t read = 0;
          for (int bit = 0; bit < bits; ++bit) {
            const bool one = (code >> bit & 1) != 0;
            const bool on = (toggle >> bit & 1) != 0;
            const std::int32_t weight = negative && bit == bits - 1 ? -(1 << bit) : 1 << bit;
            // In two statements: GCC 12.2 gets `if (held ? on : one != on)` wrong at -O1.
            const bool held = (stuck >> bit & 1) != 0;
            const bool reads_one = held ? on : one != on;
            read += reads_one ? weight : 0;
          }
          code = read;
        }
      }
      evaluator->set_buffer_faults(faults);
      EXPECT_EQ(evaluator->trace(2, 0, 5).codes, codes);
      EXPECT_EQ(evaluator->trace(3, 0, 5).codes, codes);
      evaluator->set_buffer_faults({});
      EXPECT_NE(evaluator->trace(2, 0, 5).codes, codes);
    }
  }
}

TEST(BufferFaults, AddendsAreThoseOfTheModelThatHasThem) {
  const NetworkOptions options = options_for(4, 1, 28);
  const Model model = random_model(lenet5(options), 5);
  Model other = model;
  std::vector<AddendWrite> writes;
  for (const WeightTensor& weights : model.weights) {
    for (int c = 0; c < weights.shape[0]; c += 2) {
      float& addend = other.affine[weights.node].addend[c];
      addend = 1.5f - addend;
      writes.push_back({weights.node, c, addend});
    }
  }
  const Dataset data = random_dataset(options.input, 3, 5);
  const auto expected = make_reference_evaluator(other, data);
  const auto reference = make_reference_evaluator(model, data);
  reference->write_addends(writes);
  expect_equal(model, data, *expected, *reference, "reference");
  for (const auto& evaluator : on_all_paths(model, data)) {
    const auto before = evaluator->clone();
    evaluator->write_addends(writes);
    expect_equal(model, data, *expected, *evaluator, "written");
    const auto untouched = make_reference_evaluator(model, data);
    expect_equal(model, data, *untouched, *before, "clone made before");
  }
}

TEST(BufferFaults, MasksOutsideTheBufferAreBugs) {
  const NetworkOptions options = options_for(4, 1, 28);
  const Model model = random_model(lenet5(options), 5);
  const Dataset data = random_dataset(options.input, 1, 5);
  const int act = model.graph.find("conv1_act");
  const int conv = model.graph.find("conv1");
  std::vector<std::unique_ptr<Evaluator>> evaluators = on_all_paths(model, data);
  evaluators.push_back(make_reference_evaluator(model, data));
  const std::vector<BufferFault> mistakes = {
      {act, -1}, {act, 6 * 28 * 28},   {conv, 0},        {-1, 0}, {99, 0},
      {0, 0},    {act, 0, 0xff, 0x10}, {act, 0, 0xef, 0}};
  for (const auto& evaluator : evaluators) {
    for (const BufferFault& mistake : mistakes) {
      EXPECT_THROW(evaluator->set_buffer_faults({&mistake, 1}), InternalError)
          << mistake.node << " " << mistake.element;
    }
  }
}

TEST(BufferFaults, AddendsOfNoChannelAreBugs) {
  const NetworkOptions options = options_for(4, 1, 28);
  const Model model = random_model(lenet5(options), 5);
  const Dataset data = random_dataset(options.input, 1, 5);
  const int conv = model.graph.find("conv1");
  for (const auto& evaluator : on_all_paths(model, data)) {
    for (const AddendWrite& write : {AddendWrite{conv, 6, 1}, {conv, -1, 1}, {conv + 1, 0, 1}}) {
      EXPECT_THROW(evaluator->write_addends({&write, 1}), InternalError);
    }
  }
}

/// Fault maps in one part of the memory from a tensor on, or before it.
struct PartFaults {
  std::vector<AddendWrite> addends, undo;
  std::vector<BufferFault> buffers;
};

PartFaults faults_in(const Model& model, const std::string& pattern) {
  const std::vector<std::string> patterns = {pattern};
  MemoryImage memory(model, {.weights = false, .biases = true, .activations = true});
  AppliedFaults applied;
  std::vector<Fault> faults;
  draw_fault_map(3, 1, memory.bits(), 0.1, faults);
  memory.apply(faults, FaultKind::flip, memory.expose(patterns), applied);
  PartFaults result{applied.addends, {}, applied.buffers};
  memory.undo(applied);
  result.undo = applied.addends;
  return result;
}

/// An evaluator that keeps what comes before `tensor` sees faults before and after it.
void expect_prefix_sees_faults(const Model& model, const Dataset& data, int tensor, bool fuse,
                               const std::vector<std::string>& patterns) {
  const auto reference = make_reference_evaluator(model, data);
  const auto clean = make_reference_evaluator(model, data);
  const auto keeping = make_int8_evaluator(model, data, {.fuse = fuse});
  keeping->keep_before(tensor);
  for (const std::string& pattern : patterns) {
    const PartFaults faults = faults_in(model, pattern);
    ASSERT_FALSE(faults.addends.empty() && faults.buffers.empty());
    const auto clone = keeping->clone();
    const std::string where = pattern + " with prefix " + std::to_string(tensor);
    for (Evaluator* evaluator : {reference.get(), clone.get()}) {
      evaluator->write_addends(faults.addends);
      evaluator->set_buffer_faults(faults.buffers);
    }
    expect_equal(model, data, *reference, *clone, where);
    expect_equal_answers(model, data, *reference, *clone->clone());
    // What is kept now holds as long as these faults do, and not longer.
    clone->keep_before(tensor);
    expect_equal_answers(model, data, *reference, *clone);
    for (Evaluator* evaluator : {reference.get(), clone.get()}) {
      evaluator->write_addends(faults.undo);
      evaluator->set_buffer_faults({});
    }
    expect_equal(model, data, *clean, *clone, where + ", undone");
  }
}

TEST(BufferFaults, AKeptPrefixSeesThem) {
  const WeightFormat format{WeightQuantizer::lsq, {4, Encoding::twos_complement}};
  Graph graph;
  graph.nodes = {{"input", Input{1, 9, 9, 1, 9}, {}},
                 {"conv1", Conv2d{7, 3, 1, 1, true, format}, {0}},
                 {"conv1_act", Activation{5}, {1}},
                 {"conv2", Conv2d{6, 3, 1, 1, true, format}, {2}},
                 {"conv2_act", Activation{4}, {3}},
                 {"pool2", MaxPool{}, {4}},
                 {"conv3", Conv2d{16, 3, 1, 1, true, format}, {5}},
                 {"conv3_act", Activation{3}, {6}},
                 {"pool3", MaxPool{}, {7}},
                 {"flatten", Flatten{}, {8}},
                 {"fc1", Linear{12, true, format}, {9}},
                 {"fc1_act", Activation{4}, {10}},
                 {"fc2", Linear{5, true, format}, {11}},
                 {"output", Output{}, {12}}};
  const Model model = with_coded_biases(random_model(graph, 1));
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), 17, 1);
  for (const bool fuse : {true, false}) {
    for (const int tensor : {2, 4}) {
      expect_prefix_sees_faults(model, data, tensor, fuse,
                                {"conv1_act", "conv1.bias", "conv2*", "conv2.bias", "conv3.bias",
                                 "conv3_act", "fc1*", "fc2.bias"});
    }
  }
}

TEST(SlowBufferFaults, AKeptPrefixOfAResidualNetworkSeesThem) {
  const NetworkOptions options = options_for(4, 1, 8);
  const Model model = with_coded_biases(random_model(resnet20(options), 1));
  // Before it, on both sides of it, and read by an addition behind it.
  expect_prefix_sees_faults(model, random_dataset(options.input, 1, 1), 8, true,
                            {"conv1*", "*_branch", "*_shortcut", "*_act"});
}

}  // namespace
}  // namespace flatenn
