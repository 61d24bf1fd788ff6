#include "flatenn/graph/builders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

std::int64_t weights_of(const Graph& graph) {
  std::int64_t sum = 0;
  for (const NodeInfo& info : check_graph(graph)) sum += info.weight_count;
  return sum;
}

/// Trained parameters: weights, biases, and the two of each normalised channel.
std::int64_t parameters_of(const Graph& graph) {
  const auto info = check_graph(graph);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Op& op = graph.nodes[i].op;
    const int channels = info[i].shape.channels;
    sum += info[i].weight_count;
    if (std::holds_alternative<BatchNorm>(op)) sum += 2 * channels;
    if (std::holds_alternative<GroupNorm>(op)) sum += 2 * channels;
    if (const auto* conv = std::get_if<Conv2d>(&op); conv && conv->bias) sum += channels;
    if (const auto* linear = std::get_if<Linear>(&op); linear && linear->bias) sum += channels;
  }
  return sum;
}

NetworkOptions cifar() { return {.input = {.channels = 3, .height = 32, .width = 32}}; }

TEST(Builders, LeNet5) {
  const Graph small = lenet5({});
  EXPECT_EQ(parameters_of(small), 61706);
  EXPECT_EQ(weight_nodes(small).size(), 5u);
  EXPECT_EQ(check_graph(small)[small.find("pool1")].shape, (Shape{6, 14, 14}));
  EXPECT_EQ(check_graph(small)[small.find("flatten")].shape, (Shape{400, 1, 1}));
  const Graph large = lenet5(cifar());
  EXPECT_EQ(check_graph(large)[large.find("pool1")].shape, (Shape{6, 14, 14}));
}

TEST(Builders, Mlp) {
  NetworkOptions options;
  options.hidden = {30, 20};
  EXPECT_EQ(parameters_of(mlp(options)), 784 * 30 + 30 + 30 * 20 + 20 + 20 * 10 + 10);
  options.hidden = {};
  EXPECT_EQ(weights_of(mlp(options)), 7840);
}

TEST(Builders, ResNet20HasAQuarterMillionParameters) {
  const Graph g = resnet20(cifar());
  // The form with parameter-free shortcuts, and the two 1x1 convolutions with batch norm.
  EXPECT_EQ(parameters_of(g), 269722 + (16 * 32 + 64) + (32 * 64 + 128));
  EXPECT_EQ(weight_nodes(g).size(), 22u);
  EXPECT_EQ(check_graph(g)[g.find("pool")].shape, (Shape{64, 1, 1}));
  EXPECT_EQ(check_graph(fold_batch_norm(g)).size(), g.nodes.size() - 21);
}

TEST(Builders, ResNet18HasElevenMillionWeights) {
  EXPECT_EQ(weights_of(resnet18(cifar())), 11164352);
  EXPECT_EQ(parameters_of(resnet18(cifar())), 11173962);
}

TEST(Builders, ResidualBlockAddsQuantizedTensors) {
  const Graph g = resnet20(cifar());
  const Node& add = g.nodes[g.find("stage2_block1_add")];
  EXPECT_EQ(g.nodes[add.inputs[0]].name, "stage2_block1_branch");
  EXPECT_EQ(g.nodes[add.inputs[1]].name, "stage2_block1_shortcut");
  const Node& identity = g.nodes[g.find("stage2_block2_add")];
  EXPECT_EQ(g.nodes[identity.inputs[1]].name, "stage2_block1_act");
}

TEST(Builders, EveryNetworkAtEveryWidth) {
  for (const std::string& name : network_names()) {
    for (int bits = 2; bits <= 8; ++bits) {
      NetworkOptions options = cifar();
      options.weights.code.bits = bits;
      options.activation_bits = bits;
      options.branch_bits = bits;
      options.first_weight_bits = 8;
      options.last_weight_bits = 7;
      options.norm = static_cast<Normalization>(bits % 3);
      const Graph g = build_network(name, options);
      const std::vector<int> layers = weight_nodes(g);
      EXPECT_EQ(weight_format(g.nodes[layers.front()]).code.bits, 8) << name;
      EXPECT_EQ(weight_format(g.nodes[layers[1]]).code.bits, bits) << name;
      EXPECT_EQ(weight_format(g.nodes[layers.back()]).code.bits, 7) << name;
    }
  }
}

TEST(Builders, BatchNormTakesThePlaceOfTheBias) {
  NetworkOptions options;
  options.norm = Normalization::batch;
  const Graph g = lenet5(options);
  EXPECT_FALSE(std::get<Conv2d>(g.nodes[g.find("conv1")].op).bias);
  EXPECT_NE(g.find("fc2_bn"), -1);
  EXPECT_EQ(g.find("fc3_bn"), -1);
  EXPECT_TRUE(std::get<Linear>(g.nodes[g.find("fc3")].op).bias);
}

int groups_of(const Graph& graph, const char* name) {
  return std::get<GroupNorm>(graph.nodes[graph.find(name)].op).groups;
}

TEST(Builders, ActivationFirstNormalisesCodes) {
  NetworkOptions options;
  options.norm = Normalization::batch;
  options.order = LayerOrder::activation_first;
  for (const std::string& name : network_names()) {
    SCOPED_TRACE(name);
    const Graph g = build_network(name, options);
    const int norm = std::max(g.find("conv1_bn"), g.find("fc1_bn"));
    ASSERT_GT(norm, 0);
    const Node& before = g.nodes[g.nodes[norm].inputs[0]];
    EXPECT_EQ(kind_name(before.op), "activation");
    EXPECT_EQ(kind_name(g.nodes[norm + 1].op), "quantize");
  }
  EXPECT_TRUE(std::get<Conv2d>(lenet5(options).nodes[1].op).bias);
  options.norm = Normalization::group;
  EXPECT_THROW(build_network("lenet5", options), Error);
}

TEST(Builders, GroupNormLeavesTheBias) {
  NetworkOptions options;
  options.norm = Normalization::group;
  const Graph g = lenet5(options);
  EXPECT_TRUE(std::get<Conv2d>(g.nodes[g.find("conv1")].op).bias);
  EXPECT_EQ(groups_of(g, "conv1_gn"), 3);
  EXPECT_EQ(groups_of(g, "conv2_gn"), 8);
  EXPECT_EQ(groups_of(g, "fc1_gn"), 1);  // layer normalization
  EXPECT_EQ(g.find("fc3_gn"), -1);
}

TEST(Builders, ResidualNetworksAreAlwaysNormalised) {
  NetworkOptions options = cifar();
  const std::size_t nodes = resnet20(options).nodes.size();
  options.norm = Normalization::batch;
  EXPECT_EQ(resnet20(options).nodes.size(), nodes);
  options.norm = Normalization::group;
  const Graph g = resnet20(options);
  EXPECT_EQ(g.nodes.size(), nodes);
  EXPECT_EQ(fold_batch_norm(g).nodes.size(), nodes);
  EXPECT_EQ(groups_of(g, "conv1_gn"), 8);
  EXPECT_EQ(groups_of(g, "stage3_block1_down_gn"), 32);
}

TEST(Builders, GroupsDivideTheChannels) {
  // Stutz et al. 2021: of 32, 24, 16 and 8, capped at half the channels.
  for (const auto& [channels, groups] : {std::pair{64, 32},
                                         {128, 32},
                                         {2048, 32},
                                         {48, 24},
                                         {144, 24},
                                         {80, 16},
                                         {40, 20},
                                         {16, 8},
                                         {200, 8},
                                         {6, 3},
                                         {2, 1}}) {
    EXPECT_EQ(group_count(channels, false), groups) << channels;
  }
  // None divides: the largest divisor.
  for (const auto& [channels, groups] :
       {std::pair{1, 1}, {3, 1}, {7, 1}, {9, 3}, {15, 5}, {25, 5}, {49, 7}, {125, 25}, {127, 1}}) {
    EXPECT_EQ(group_count(channels, false), groups) << channels;
  }
  // Four values at least where a channel has but one.
  for (const auto& [channels, groups] :
       {std::pair{256, 32}, {128, 32}, {64, 16}, {8, 2}, {6, 1}, {2, 1}}) {
    EXPECT_EQ(group_count(channels, true), groups) << channels;
  }
  for (int channels = 1; channels <= 600; ++channels) {
    for (const bool single : {false, true}) {
      const int groups = group_count(channels, single);
      ASSERT_EQ(channels % groups, 0) << channels;
      ASSERT_LE(groups, std::max(1, channels / (single ? 4 : 2))) << channels;
    }
  }
}

TEST(Builders, SimpleNetHasThePublishedNumberOfParameters) {
  NetworkOptions options = cifar();
  options.norm = Normalization::group;
  const Graph g = simplenet(options);
  EXPECT_EQ(parameters_of(g), 5498378);  // W of Stutz et al. 2021
  EXPECT_EQ(weight_nodes(g).size(), 14u);
  EXPECT_EQ(check_graph(g)[g.find("conv10_act")].shape, (Shape{512, 4, 4}));
  EXPECT_EQ(check_graph(g)[g.find("conv12_act")].shape, (Shape{256, 2, 2}));
  EXPECT_EQ(check_graph(g)[g.find("conv13_act")].shape, (Shape{256, 1, 1}));
  EXPECT_EQ(groups_of(g, "conv13_gn"), 32);
  EXPECT_NE(g.find("pool5"), -1);
  EXPECT_EQ(g.find("pool"), -1);
  EXPECT_EQ(simplenet(cifar()).find("conv1_bn"), -1);
}

TEST(Builders, SimpleNetTakesGreyAndLargeImages) {
  const Graph grey = simplenet({});
  EXPECT_EQ(check_graph(grey)[grey.find("conv9_act")].shape, (Shape{256, 7, 7}));
  EXPECT_EQ(check_graph(grey)[grey.find("conv11_act")].shape, (Shape{2048, 1, 1}));
  EXPECT_EQ(grey.find("pool5"), -1);
  const Graph large = simplenet({.input = {.height = 100, .width = 100}});
  EXPECT_EQ(std::get<AvgPool>(large.nodes[large.find("pool")].op).kernel, 3);
}

TEST(Builders, SimpleNetOfAnyWidth) {
  NetworkOptions options = cifar();
  const auto channels = [&](const char* name) {
    const Graph g = simplenet(options);
    return check_graph(g)[g.find(name)].shape.channels;
  };
  options.width = 0.5;
  EXPECT_EQ(channels("conv1"), 32);
  EXPECT_EQ(channels("conv11"), 1024);
  options.width = 0.2;  // 12.8 and 51.2 channels
  EXPECT_EQ(channels("conv1"), 16);
  EXPECT_EQ(channels("conv7"), 48);
  options.width = 0.001;
  EXPECT_EQ(channels("conv11"), 8);
}

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Builders, MistakesAreNamed) {
  EXPECT_THAT(
      error_of([] { build_network("lenet", {}); }),
      HasSubstr("unknown network 'lenet'; known: lenet5, mlp, resnet20, resnet18, simplenet"));
  EXPECT_THAT(error_of([] { lenet5({.input = {.height = 8, .width = 8}}); }),
              HasSubstr("node 'conv2' (conv2d): kernel 5 is larger than its padded input of 4"));
  EXPECT_THAT(error_of([] { resnet20({.input = {.height = 32, .width = 28}}); }),
              HasSubstr("square images, got 32x28"));
  EXPECT_THAT(error_of([] { simplenet({.input = {.height = 32, .width = 28}}); }),
              HasSubstr("simplenet needs square images, got 32x28"));
  for (const double width : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(error_of([&] { simplenet({.width = width}); }), HasSubstr("simplenet: width is"));
  }
  EXPECT_THAT(error_of([] { mlp({.activation_bits = 1}); }), HasSubstr("bits is 1"));
  EXPECT_THAT(error_of([] { mlp({.hidden = {0}}); }), HasSubstr("node 'fc1' (linear)"));
}

}  // namespace
}  // namespace flatenn
