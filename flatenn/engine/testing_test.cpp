#include "flatenn/engine/testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

TEST(RandomGraph, IsSoundAndAFunctionOfItsSeed) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Graph graph = random_graph(seed);
    EXPECT_NO_THROW(check_graph(graph)) << seed;
    const Graph again = random_graph(seed);
    ASSERT_EQ(graph.nodes.size(), again.nodes.size());
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      EXPECT_EQ(graph.nodes[n].inputs, again.nodes[n].inputs);
      EXPECT_EQ(kind_name(graph.nodes[n].op), kind_name(again.nodes[n].op));
    }
  }
}

TEST(RandomGraph, MeetsEveryDeployedKindAndCorner) {
  std::set<std::string_view> kinds;
  std::set<int> strides, bits;
  std::set<WeightQuantizer> quantizers;
  bool six_pooled_channels = false;  // these have a kernel of their own
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Graph graph = random_graph(seed);
    const std::vector<NodeInfo> infos = check_graph(graph);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      kinds.insert(kind_name(node.op));
      if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
        strides.insert(conv->stride);
        bits.insert(conv->weights.code.bits);
        quantizers.insert(conv->weights.quantizer);
      }
      const auto* pool = std::get_if<MaxPool>(&node.op);
      six_pooled_channels |= pool != nullptr && pool->kernel == 2 && infos[n].shape.channels == 6;
    }
  }
  EXPECT_EQ(kinds, (std::set<std::string_view>{"input", "conv2d", "linear", "channel_affine",
                                               "group_norm", "activation", "quantize", "max_pool",
                                               "avg_pool", "add", "flatten", "output"}));
  EXPECT_EQ(strides, (std::set<int>{1, 2}));
  EXPECT_EQ(bits, (std::set<int>{2, 3, 4, 5, 6, 7, 8}));
  EXPECT_GE(quantizers.size(), 2u);
  EXPECT_TRUE(six_pooled_channels);
}

TEST(RandomModel, UsesTheWholeRangeOfEveryBuffer) {
  for (const std::string& name : network_names()) {
    if (name == "resnet18") continue;  // the same ops as resnet20, slower
    NetworkOptions options;
    const int size = name == "resnet20" ? 8 : 28;
    options.width = 0.1;
    options.input = {1, size, size, 1.0f / 255, 73};
    options.weights.code.bits = 3;
    options.activation_bits = 3;
    const Graph graph = fold_batch_norm(build_network(name, options));
    const Model model = random_model(graph, 5);
    check_model(model);
    const Dataset data = random_dataset(options.input, 1, 5);
    const auto evaluator = make_reference_evaluator(model, data);
    const std::vector<NodeInfo> infos = check_graph(graph);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      if (infos[n].shape.elements() < 50 || !infos[n].codes) continue;
      const std::vector<std::int32_t> codes = evaluator->trace(int(n), 0, 1).codes;
      const auto [low, high] = std::minmax_element(codes.begin(), codes.end());
      const int range = infos[n].max_code - infos[n].min_code;
      EXPECT_GE(*high - *low, range * 3 / 4) << name << " " << graph.nodes[n].name;
      EXPECT_GE(*low, infos[n].min_code);
      EXPECT_LE(*high, infos[n].max_code);
    }
  }
}

TEST(RandomDataset, FillsTheShapeAndIsAFunctionOfItsSeed) {
  const Input input{3, 5, 4};
  const Dataset data = random_dataset(input, 300, 2);
  EXPECT_EQ(data.size(), 300u);
  EXPECT_EQ(data.images.size(), 300u * 60);
  EXPECT_EQ(std::set<std::uint8_t>(data.images.begin(), data.images.end()).size(), 256u);
  EXPECT_EQ(std::set<std::uint8_t>(data.labels.begin(), data.labels.end()).size(), 10u);
  EXPECT_EQ(data.hash(), random_dataset(input, 300, 2).hash());
  EXPECT_NE(data.hash(), random_dataset(input, 300, 3).hash());
}

}  // namespace
}  // namespace flatenn
