#include "flatenn/engine/int8_evaluator.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {
namespace {

WeightFormat lsq(int bits) {
  return {WeightQuantizer::lsq, {bits, Encoding::twos_complement, false}};
}

std::vector<Int8Path> paths_here() {
  std::vector<Int8Path> paths = {Int8Path::portable};
  if (detect_int8_path() != Int8Path::portable) paths.push_back(Int8Path::avx2);
  if (detect_int8_path() == Int8Path::avx512_vnni) paths.push_back(Int8Path::avx512_vnni);
  return paths;
}

std::unique_ptr<Evaluator> on_path(const Model& model, const Dataset& data, Int8Path path) {
  Int8EvaluatorOptions options;
  options.path = path;
  return make_int8_evaluator(model, data, options);
}

std::vector<std::uint8_t> classes_of(Evaluator& evaluator, std::size_t first, std::size_t count) {
  std::vector<std::uint8_t> classes(count);
  evaluator.classify(first, count, classes);
  return classes;
}

/// Every code, logit and class of every path equals the reference, bit for bit.
void expect_equal(const Model& model, const Dataset& data, std::span<const CodeWrite> writes = {}) {
  const auto reference = make_reference_evaluator(model, data);
  reference->write(writes);
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  std::vector<std::unique_ptr<Evaluator>> evaluators;
  for (const Int8Path path : paths_here()) {
    evaluators.push_back(on_path(model, data, path));
    evaluators.back()->write(writes);
  }
  const int last = static_cast<int>(infos.size()) - 1;
  for (int n = 0; n <= last; ++n) {
    if (!infos[n].codes && n != last) continue;
    const NodeTrace expected = reference->trace(n, 0, data.size());
    for (const auto& evaluator : evaluators) {
      const NodeTrace actual = evaluator->trace(n, 0, data.size());
      ASSERT_EQ(actual.codes, expected.codes) << evaluator->name() << model.graph.nodes[n].name;
      ASSERT_EQ(actual.values, expected.values) << evaluator->name();
    }
  }
  const std::vector<std::uint8_t> expected = classes_of(*reference, 0, data.size());
  for (const auto& evaluator : evaluators) {
    ASSERT_EQ(classes_of(*evaluator, 0, data.size()), expected) << evaluator->name();
  }
}

std::vector<CodeWrite> random_writes(const Model& model, std::size_t count, std::uint64_t seed) {
  std::vector<CodeWrite> writes;
  RandomStream stream(seed, Purpose::test, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto t = static_cast<int>(stream.below(model.weights.size()));
    const WeightTensor& tensor = model.weights[t];
    const auto element = static_cast<std::int64_t>(stream.below(tensor.codes.size()));
    const auto word = static_cast<std::uint8_t>(stream.below(1u << tensor.format.bits));
    writes.push_back({t, element, decode(tensor.format, word)});
  }
  return writes;
}

NetworkOptions options_for(int weight_bits, int activation_bits, int channels, int size) {
  NetworkOptions options;
  options.input = {channels, size, size, 1.0f / 255, 73};
  options.weights = lsq(weight_bits);
  options.activation_bits = activation_bits;
  return options;
}

TEST(Int8Evaluator, Lenet5AtEveryWidth) {
  for (const int weight_bits : {2, 3, 4, 8}) {
    for (const int activation_bits : {2, 4, 7, 8}) {
      const NetworkOptions options = options_for(weight_bits, activation_bits, 1, 28);
      const Model model = random_model(lenet5(options), 3 + weight_bits);
      expect_equal(model, random_dataset(options.input, 1, 1), random_writes(model, 500, 2));
    }
  }
}

TEST(Int8Evaluator, MlpAndColourLenet5) {
  NetworkOptions options = options_for(4, 4, 1, 28);
  options.hidden = {50, 33};
  expect_equal(random_model(mlp(options), 1), random_dataset(options.input, 17, 1));
  options = options_for(4, 4, 3, 32);
  expect_equal(random_model(lenet5(options), 1), random_dataset(options.input, 2, 1));
}

TEST(Int8Evaluator, WeightOffsetsMultiplyTheWindowSum) {
  NetworkOptions options = options_for(4, 4, 1, 28);
  options.weights.quantizer = WeightQuantizer::saq;
  const Model model = random_model(lenet5(options), 1);
  ASSERT_FALSE(model.affine[1].window_multiplier.empty());
  expect_equal(model, random_dataset(options.input, 2, 1), random_writes(model, 500, 2));
}

TEST(Int8Evaluator, NormalisedNetworksAtEveryWidth) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options = options_for(bits, bits, 3, 12);
    options.norm = Normalization::group;
    options.width = 0.05;
    options.hidden = {40, 30};
    const Dataset data = random_dataset(options.input, 17, 1);
    for (const char* name : {"mlp", "simplenet"}) {
      const Model model = random_model(build_network(name, options), bits);
      expect_equal(model, data, random_writes(model, 500, 2));
    }
    options.input = {1, 28, 28, 1.0f / 255, 73};
    options.weights.quantizer = WeightQuantizer::saq;
    const Model model = random_model(lenet5(options), bits);
    expect_equal(model, random_dataset(options.input, 2, 1), random_writes(model, 500, 2));
  }
}

TEST(Int8Evaluator, NormalizationKeepsTheOrderOfItsSums) {
  expect_equal(order_sensitive_model(), random_dataset({1, 1, 1}, 20, 1));
}

/// Values far from zero: the digits of the mean show in the codes.
TEST(Int8Evaluator, NormalizationOfValuesFarFromZero) {
  NetworkOptions options = options_for(8, 8, 3, 12);
  options.norm = Normalization::group;
  options.width = 0.1;
  Model model = random_model(simplenet(options), 1);
  for (std::size_t n = 0; n < model.graph.nodes.size(); ++n) {
    const bool layer = check_graph(model.graph)[n].weight_count > 0;
    if (!layer || n + 3 > model.graph.nodes.size()) continue;
    for (float& addend : model.affine[n].addend) addend += 3e5f;
  }
  expect_equal(model, random_dataset(options.input, 17, 1));
}

TEST(SlowInt8Evaluator, NormalisedResnet20AtEveryWidth) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options = options_for(bits, bits, 3, 12);
    options.branch_bits = bits;
    options.norm = Normalization::group;
    const Model model = random_model(resnet20(options), bits);
    expect_equal(model, random_dataset(options.input, 2, 1), random_writes(model, 2000, 2));
  }
}

TEST(SlowInt8Evaluator, Resnet20AtEveryWidth) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options = options_for(bits, bits, 3, 12);
    options.branch_bits = bits;
    const Model model = random_model(resnet20(options), bits);
    expect_equal(model, random_dataset(options.input, 2, 1), random_writes(model, 2000, 2));
  }
}

TEST(SlowInt8Evaluator, Resnet18) {
  for (const int bits : {4, 8}) {
    const NetworkOptions options = options_for(bits, bits, 3, 8);
    const Model model = random_model(resnet18(options), bits);
    expect_equal(model, random_dataset(options.input, 1, 1), random_writes(model, 2000, 2));
  }
}

RC_GTEST_PROP(Int8Evaluator, EqualsTheReferenceOnRandomNetworks, (std::uint64_t seed)) {
  const Graph graph = random_graph(seed);
  const Model model = random_model(graph, seed);
  const auto& input = std::get<Input>(graph.nodes.front().op);
  expect_equal(model, random_dataset(input, 2, seed), random_writes(model, 20, seed));
}

/// Buffers that share memory, the first with six channels and so with lanes that repeat neighbours.
TEST(Int8Evaluator, BordersStayCleanWhenMemoryIsShared) {
  Graph graph;
  graph.nodes = {{"input", Input{1, 8, 8, 1.0f, 0}, {}}};
  int last = 0;
  for (const int channels : {6, 7, 8, 6, 8, 7}) {
    const std::string name = "conv" + std::to_string(last);
    graph.nodes.push_back({name, Conv2d{channels, 3, 1, 1, true, lsq(4)}, {last}});
    graph.nodes.push_back({name + "_act", Activation{4}, {last + 1}});
    last += 2;
  }
  graph.nodes.push_back({"flatten", Flatten{}, {last}});
  graph.nodes.push_back({"fc", Linear{5, true, lsq(4)}, {last + 1}});
  graph.nodes.push_back({"output", Output{}, {last + 2}});
  expect_equal(random_model(graph, 1), random_dataset({1, 8, 8}, 2, 1));
}

/// The largest sums of either sign that 8-bit codes can give.
TEST(Int8Evaluator, WorstCaseSums) {
  for (const int zero_point : {0, 255}) {
    for (const std::int8_t code : {-128, 127}) {
      Graph graph;
      graph.nodes = {{"input", Input{1, 4, 4, 1.0f, zero_point}, {}},
                     {"conv1", Conv2d{64, 3, 1, 1, true, lsq(8)}, {0}},
                     {"act", Activation{8}, {1}},
                     {"conv2", Conv2d{32, 3, 1, 1, true, lsq(8)}, {2}},
                     {"branch", Quantize{8}, {3}},
                     {"flatten", Flatten{}, {4}},
                     {"fc", Linear{3, true, lsq(8)}, {5}},
                     {"output", Output{}, {6}}};
      Model model = random_model(graph, 1);
      for (WeightTensor& tensor : model.weights) std::ranges::fill(tensor.codes, code);
      for (float& m : model.affine[1].multiplier)
        m = (code < 0) == (zero_point == 0) ? -1.0f : 1.0f;
      std::ranges::fill(model.affine[1].addend, 0.0f);
      std::ranges::fill(model.affine[3].multiplier, 1.0f);
      std::ranges::fill(model.affine[3].addend, 0.0f);
      Dataset data = random_dataset({1, 4, 4}, 1, 1);
      std::ranges::fill(data.images, zero_point == 0 ? 255 : 0);
      EXPECT_EQ(make_reference_evaluator(model, data)->trace(2, 0, 1).codes,
                std::vector<std::int32_t>(64 * 16, 255));
      expect_equal(model, data);
    }
  }
}

TEST(Int8Evaluator, ClassifiesAnyRange) {
  const NetworkOptions options = options_for(4, 4, 1, 28);
  const Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset(options.input, 50, 1);
  const auto evaluator = make_int8_evaluator(model, data);
  const std::vector<std::uint8_t> all = classes_of(*evaluator, 0, 50);
  EXPECT_GT(std::set<std::uint8_t>(all.begin(), all.end()).size(), 1u);
  for (const std::size_t first : {0, 1, 15, 16, 33, 49}) {
    for (const std::size_t count : {0, 1, 16, 17, 34}) {
      if (first + count > data.size()) continue;
      const std::vector<std::uint8_t> expected(all.begin() + first, all.begin() + first + count);
      EXPECT_EQ(classes_of(*evaluator, first, count), expected) << first << " " << count;
    }
  }
}

TEST(Int8Evaluator, ClonesAreIndependentAndOutliveTheModel) {
  const NetworkOptions options = options_for(4, 4, 1, 28);
  const Dataset data = random_dataset(options.input, 20, 1);
  std::unique_ptr<Evaluator> evaluator;
  std::vector<CodeWrite> writes;
  {
    const Model model = random_model(lenet5(options), 7);
    writes = random_writes(model, 5000, 3);
    evaluator = make_int8_evaluator(model, data);
  }
  const int output = 13;
  const std::vector<float> before = evaluator->trace(output, 0, 20).values;
  const auto clone = evaluator->clone();
  clone->write(writes);
  EXPECT_NE(clone->trace(output, 0, 20).values, before);
  EXPECT_EQ(evaluator->trace(output, 0, 20).values, before);
  EXPECT_EQ(clone->clone()->trace(output, 0, 20).values, clone->trace(output, 0, 20).values);
}

TEST(Int8Evaluator, UndoneFaultsLeaveNoTrace) {
  NetworkOptions options = options_for(4, 4, 1, 28);
  options.input.zero_point = 200;
  const Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset(options.input, 20, 1);
  const auto evaluator = make_int8_evaluator(model, data);
  const auto reference = make_reference_evaluator(model, data);
  const int output = 13;
  const std::vector<float> before = evaluator->trace(output, 0, 20).values;
  MemoryImage memory(model);
  for (std::uint64_t map = 0; map < 5; ++map) {
    std::vector<Fault> faults;
    AppliedFaults applied;
    draw_fault_map(1, map, memory.bits(), 0.05, faults);
    memory.apply(faults, FaultKind::flip, memory.expose_all(), applied);
    evaluator->write(applied.writes);
    reference->write(applied.writes);
    const std::vector<float> faulty = evaluator->trace(output, 0, 20).values;
    EXPECT_NE(faulty, before);
    EXPECT_EQ(faulty, reference->trace(output, 0, 20).values);
    memory.undo(applied);
    evaluator->write(applied.writes);
    reference->write(applied.writes);
    EXPECT_EQ(evaluator->trace(output, 0, 20).values, before);
  }
}

TEST(Int8Evaluator, RefusesImagesOfAnotherShape) {
  const NetworkOptions options = options_for(4, 4, 1, 28);
  const Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset({3, 32, 32}, 1, 1);
  EXPECT_THROW(make_int8_evaluator(model, data), Error);
}

TEST(Int8Evaluator, NamesItsPath) {
  const NetworkOptions options = options_for(4, 4, 1, 28);
  const Model model = random_model(lenet5(options), 7);
  const Dataset data = random_dataset(options.input, 1, 1);
  EXPECT_EQ(on_path(model, data, Int8Path::portable)->name(), "int8 portable");
  EXPECT_EQ(to_string(Int8Path::avx512_vnni), "avx512_vnni");
}

/// A clone of an evaluator that keeps what comes before `tensor` answers as one that does not, and
/// its codes are the same.
void expect_prefix_changes_nothing(const Model& model, const Dataset& data, int tensor) {
  std::vector<CodeWrite> writes = random_writes(model, 2000, 7);
  std::erase_if(writes, [&](const CodeWrite& w) { return w.tensor < tensor; });
  const auto plain = make_int8_evaluator(model, data);
  const auto keeping = make_int8_evaluator(model, data);
  keeping->keep_before(tensor);
  const auto clone = keeping->clone();
  plain->write(writes);
  clone->write(writes);
  ASSERT_EQ(classes_of(*clone, 0, data.size()), classes_of(*plain, 0, data.size())) << tensor;
  for (int n = 0; n < std::ssize(model.graph.nodes); ++n) {
    if (!check_graph(model.graph)[n].codes && n + 1 < std::ssize(model.graph.nodes)) continue;
    const NodeTrace expected = plain->trace(n, 0, data.size());
    const NodeTrace actual = clone->trace(n, 0, data.size());
    ASSERT_EQ(actual.codes, expected.codes) << tensor << model.graph.nodes[n].name;
    ASSERT_EQ(actual.values, expected.values) << tensor;
  }
}

TEST(Int8Evaluator, KeepingThePrefixChangesNothing) {
  const NetworkOptions grey = options_for(4, 4, 1, 28);
  const Model plain = random_model(lenet5(grey), 1);
  for (int t = 0; t <= std::ssize(plain.weights); ++t) {
    expect_prefix_changes_nothing(plain, random_dataset(grey.input, 35, 1), t);
  }
  const NetworkOptions colour = options_for(4, 4, 3, 12);
  const Model residual = random_model(fold_batch_norm(resnet20(colour)), 1);
  for (const int t : {1, 2, 7, 8, 9, 20, 21}) {
    expect_prefix_changes_nothing(residual, random_dataset(colour.input, 17, 1), t);
  }
}

TEST(Int8Evaluator, KeepingThePrefixOfANormalisedNetworkChangesNothing) {
  NetworkOptions options = options_for(4, 4, 3, 12);
  options.norm = Normalization::group;
  options.width = 0.05;
  const Model model = random_model(simplenet(options), 1);
  for (const int t : {0, 1, 2, 5, 12, 13, 14}) {
    expect_prefix_changes_nothing(model, random_dataset(options.input, 17, 1), t);
  }
}

/// The last layer's values are normalised, too: no step stands between a layer and its answer.
TEST(Int8Evaluator, NormalisedLogits) {
  Graph graph;
  graph.nodes = {{"input", Input{1, 5, 5, 1.0f, 0}, {}},
                 {"conv", Conv2d{4, 3, 1, 1, true, lsq(4)}, {0}},
                 {"norm", GroupNorm{2}, {1}},
                 {"act", Activation{4}, {2}},
                 {"flatten", Flatten{}, {3}},
                 {"fc", Linear{6, true, lsq(4)}, {4}},
                 {"fc_norm", GroupNorm{3}, {5}},
                 {"output", Output{}, {6}}};
  const Model model = random_model(graph, 1);
  const Dataset data = random_dataset({1, 5, 5, 1.0f, 0}, 35, 1);
  expect_equal(model, data, random_writes(model, 30, 1));
  for (const int t : {0, 1, 2}) expect_prefix_changes_nothing(model, data, t);
}

TEST(Int8Evaluator, APrefixThatDoesNotFitIsNotKept) {
  const NetworkOptions options = options_for(4, 4, 1, 28);
  const Model model = random_model(lenet5(options), 1);
  const Dataset data = random_dataset(options.input, 20, 1);
  Int8EvaluatorOptions none;
  none.kept_bytes = 100;
  const auto evaluator = make_int8_evaluator(model, data, none);
  evaluator->keep_before(3);
  const std::vector<CodeWrite> writes = random_writes(model, 300, 2);  // the promise broken
  evaluator->write(writes);
  const auto other = make_int8_evaluator(model, data);
  other->write(writes);
  EXPECT_EQ(classes_of(*evaluator, 0, data.size()), classes_of(*other, 0, data.size()));
}

}  // namespace
}  // namespace flatenn
