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
      const Model model =
          random_model(lenet5(options_for(weight_bits, activation_bits, 1, 28)), 3 + weight_bits);
      const Dataset data = random_dataset({1, 28, 28}, 18, 1);
      expect_equal(model, data, random_writes(model, 500, 2));
    }
  }
}

TEST(Int8Evaluator, MlpAndColourLenet5) {
  NetworkOptions options = options_for(4, 4, 1, 28);
  options.hidden = {50, 33};
  expect_equal(random_model(mlp(options), 1), random_dataset(options.input, 3, 1));
  options = options_for(4, 4, 3, 32);
  expect_equal(random_model(lenet5(options), 1), random_dataset(options.input, 3, 1));
}

TEST(Int8Evaluator, Resnet20) {
  for (const int bits : {2, 3, 4, 8}) {
    const NetworkOptions options = options_for(bits, bits, 3, 12);
    const Model model = random_model(resnet20(options), bits);
    expect_equal(model, random_dataset(options.input, 3, 1), random_writes(model, 2000, 2));
  }
}

}  // namespace
}  // namespace flatenn
