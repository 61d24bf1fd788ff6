#include "flatenn/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

WeightFormat bits(int b) { return {.code = {.bits = b}}; }

/// input 2x8x8 -> conv 3@3x3 -> act -> pool -> flatten -> fc 5 -> output
Graph small_graph() {
  Graph g;
  g.nodes = {{"input", Input{2, 8, 8, 0.5f, 7}, {}},
             {"conv", Conv2d{3, 3, 1, 1, true, bits(4)}, {0}},
             {"act", Activation{3}, {1}},
             {"pool", MaxPool{}, {2}},
             {"flatten", Flatten{}, {3}},
             {"fc", Linear{5, true, bits(2)}, {4}},
             {"output", Output{}, {5}}};
  return g;
}

/// Message of the Error that check_graph throws.
std::string error_of(const Graph& g) {
  try {
    check_graph(g);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Graph, ShapesAndRanges) {
  const auto info = check_graph(small_graph());
  ASSERT_EQ(info.size(), 7u);
  EXPECT_EQ(info[0].shape, (Shape{2, 8, 8}));
  EXPECT_TRUE(info[0].codes);
  EXPECT_EQ(info[0].min_code, -7);
  EXPECT_EQ(info[0].max_code, 248);
  EXPECT_EQ(info[1].shape, (Shape{3, 8, 8}));
  EXPECT_FALSE(info[1].codes);
  EXPECT_EQ(info[1].weight_shape, (std::vector<int>{3, 2, 3, 3}));
  EXPECT_EQ(info[1].weight_count, 54);
  EXPECT_EQ(info[1].max_abs_sum, 18 * 8 * 248);
  EXPECT_EQ(info[2].max_code, 7);
  EXPECT_EQ(info[3].shape, (Shape{3, 4, 4}));
  EXPECT_EQ(info[4].shape, (Shape{48, 1, 1}));
  EXPECT_EQ(info[5].weight_shape, (std::vector<int>{5, 48}));
  EXPECT_EQ(info[5].max_abs_sum, 48 * 2 * 7);
  EXPECT_EQ(info[6].shape, (Shape{5, 1, 1}));
}

TEST(Graph, RangeOfPoolingAndAddition) {
  Graph g;
  g.nodes = {{"input", Input{1, 4, 4, 1, 200}, {}},
             {"conv", Conv2d{1, 3, 1, 1, true, bits(8)}, {0}},
             {"q", Quantize{4}, {1}},
             {"pool", MaxPool{1, 1}, {0}},
             {"add", Add{}, {2, 3}},
             {"act", Activation{8}, {4}},
             {"mean", AvgPool{4, 4}, {5}},
             {"output", Output{}, {6}}};
  const auto info = check_graph(g);
  EXPECT_EQ(info[1].max_abs_sum, 9 * 128 * 200);
  EXPECT_EQ(info[2].min_code, -8);
  EXPECT_EQ(info[2].max_code, 7);
  EXPECT_EQ(info[4].max_abs_sum, 208);
  EXPECT_EQ(info[6].max_abs_sum, 16 * 255);
  EXPECT_FALSE(info[6].codes);
}

TEST(Graph, SignMagnitudeAndSaturatingCodesAreSmaller) {
  Graph g = small_graph();
  std::get<Conv2d>(g.nodes[1].op).weights.code.encoding = Encoding::sign_magnitude;
  EXPECT_EQ(check_graph(g)[1].max_abs_sum, 18 * 7 * 248);
}

TEST(Graph, StridesRoundDown) {
  Graph g = small_graph();
  std::get<Conv2d>(g.nodes[1].op).stride = 3;
  EXPECT_EQ(check_graph(g)[1].shape, (Shape{3, 3, 3}));
  EXPECT_EQ(check_graph(g)[3].shape, (Shape{3, 1, 1}));
}

TEST(Graph, EveryMistakeNamesItsNode) {
  struct Case {
    const char* message;
    void (*spoil)(Graph&);
  };
  const Case cases[] = {
      {"no nodes", [](Graph& g) { g.nodes.clear(); }},
      {"node 2: its name has 0 characters", [](Graph& g) { g.nodes[2].name = ""; }},
      {"node 2: its name may hold only", [](Graph& g) { g.nodes[2].name = "a b"; }},
      {"two nodes are named 'act'", [](Graph& g) { g.nodes[3].name = "act"; }},
      {"node 'input' (flatten): the first node", [](Graph& g) { g.nodes[0].op = Flatten{}; }},
      {"node 'pool' (input): the first node", [](Graph& g) { g.nodes[3].op = Input{}; }},
      {"node 'output' (flatten): the last node", [](Graph& g) { g.nodes[6].op = Flatten{}; }},
      {"node 'pool' (output): the last node", [](Graph& g) { g.nodes[3].op = Output{}; }},
      {"node 'pool' (max_pool): has 2 inputs, must have 1",
       [](Graph& g) {
         g.nodes[3].inputs = {2, 2};
       }},
      {"node 'pool' (max_pool): reads node number 3; must be an earlier node (0 to 2)",
       [](Graph& g) { g.nodes[3].inputs = {3}; }},
      {"node 'pool' (max_pool): reads node number -1", [](Graph& g) { g.nodes[3].inputs = {-1}; }},
      {"node 'act' (activation): no node reads it", [](Graph& g) { g.nodes[3].inputs = {0}; }},
      {"node 'input' (input): height is 0, must be 1 to",
       [](Graph& g) { std::get<Input>(g.nodes[0].op).height = 0; }},
      {"node 'input' (input): zero_point is 256, must be 0 to 255",
       [](Graph& g) { std::get<Input>(g.nodes[0].op).zero_point = 256; }},
      {"node 'input' (input): scale is nan, must be a positive number",
       [](Graph& g) { std::get<Input>(g.nodes[0].op).scale = __builtin_nanf(""); }},
      {"node 'input' (input): shape 1024x1024x1024 has",
       [](Graph& g) {
         g.nodes[0].op = Input{1024, 1024, 1024};
       }},
      {"node 'conv' (conv2d): out_channels is 0",
       [](Graph& g) { std::get<Conv2d>(g.nodes[1].op).out_channels = 0; }},
      {"node 'conv' (conv2d): kernel 99 is larger than its padded input of 10 pixels",
       [](Graph& g) { std::get<Conv2d>(g.nodes[1].op).kernel = 99; }},
      {"node 'conv' (conv2d): stride is 0",
       [](Graph& g) { std::get<Conv2d>(g.nodes[1].op).stride = 0; }},
      {"node 'conv' (conv2d): padding is 3, must be 0 to 2",
       [](Graph& g) { std::get<Conv2d>(g.nodes[1].op).padding = 3; }},
      {"node 'conv' (conv2d)",
       [](Graph& g) { std::get<Conv2d>(g.nodes[1].op).weights.code.bits = 9; }},
      {"node 'act' (activation): bits is 1, must be 2 to 8",
       [](Graph& g) { g.nodes[2].op = Activation{1}; }},
      {"node 'act' (quantize): bits is 9, must be 2 to 8",
       [](Graph& g) { g.nodes[2].op = Quantize{9}; }},
      {"node 'pool' (max_pool): kernel 9 is larger",
       [](Graph& g) {
         g.nodes[3].op = MaxPool{9, 1};
       }},
      {"node 'pool' (max_pool): stride is 0",
       [](Graph& g) {
         g.nodes[3].op = MaxPool{2, 0};
       }},
      {"node 'pool' (max_pool): needs codes, but 'conv' gives sums",
       [](Graph& g) { g.nodes[3].inputs = {1}; }},
      {"node 'pool' (activation): needs the sums of a conv2d, linear, avg_pool or add node, but "
       "'act' gives codes",
       [](Graph& g) { g.nodes[3].op = Activation{}; }},
      {"node 'flatten' (batch_norm): needs the sums",
       [](Graph& g) { g.nodes[4].op = BatchNorm{}; }},
      {"node 'fc' (linear): reads the 3x4x4 image 'pool'; put a flatten node before it",
       [](Graph& g) { g.nodes[5].inputs = {3}; }},
      {"node 'output' (output): needs the sums", [](Graph& g) { g.nodes[6].inputs = {4}; }},
      {"node 'fc' (linear): out_features is -1",
       [](Graph& g) { std::get<Linear>(g.nodes[5].op).out_features = -1; }},
      {"node 'output' (output): reads shape 257x1x1",
       [](Graph& g) { std::get<Linear>(g.nodes[5].op).out_features = 257; }},
  };
  for (const Case& c : cases) {
    Graph g = small_graph();
    c.spoil(g);
    EXPECT_THAT(error_of(g), HasSubstr(c.message));
  }
}

TEST(Graph, AdditionNeedsEqualShapes) {
  Graph g = small_graph();
  g.nodes[3] = {"add", Add{}, {0, 2}};
  g.nodes[4] = {"act2", Activation{}, {3}};
  g.nodes.insert(g.nodes.begin() + 5, {"flatten", Flatten{}, {4}});
  g.nodes[6].inputs = {5};
  g.nodes[7].inputs = {6};
  EXPECT_THAT(error_of(g), HasSubstr("node 'add' (add): adds 'input' of shape 2x8x8 and 'act' of "
                                     "shape 3x8x8; shapes must be equal"));
  std::get<Conv2d>(g.nodes[1].op).out_channels = 2;
  EXPECT_EQ(error_of(g), "no error");
}

TEST(Graph, SumsHaveOneReader) {
  Graph g = small_graph();
  g.nodes.insert(g.nodes.begin() + 3, {"act2", Activation{}, {1}});
  g.nodes[4] = {"add", Add{}, {2, 3}};
  g.nodes[5] = {"mean", Activation{}, {4}};
  g.nodes.insert(g.nodes.begin() + 6, {"flatten", Flatten{}, {5}});
  g.nodes[7].inputs = {6};
  g.nodes[8].inputs = {7};
  EXPECT_THAT(error_of(g), HasSubstr("node 'conv' (conv2d): 2 nodes read its sums; only one may"));
}

TEST(Graph, SumsThatCouldLeaveInt32AreRefused) {
  Graph g;
  g.nodes = {{"input", Input{65793, 1, 1, 1, 0}, {}},
             {"fc", Linear{2, true, bits(8)}, {0}},
             {"output", Output{}, {1}}};
  // 65,793 * 128 * 255 = 2,147,483,520 is the largest that fits.
  EXPECT_EQ(check_graph(g)[1].max_abs_sum, 2147483520);
  std::get<Input>(g.nodes[0].op).channels = 65794;
  EXPECT_THAT(error_of(g), HasSubstr("node 'fc' (linear): its sums could reach 2147516160"));
}

TEST(Graph, PoolingWindowsFitInto32Bits) {
  Graph g;
  g.nodes = {{"input", Input{1, 2902, 2902, 1, 0}, {}},
             {"pool", AvgPool{2901, 1}, {0}},
             {"quantize", Quantize{8}, {1}},
             {"pixel", MaxPool{2, 1}, {2}},
             {"flatten", Flatten{}, {3}},
             {"fc", Linear{2, true, bits(8)}, {4}},
             {"output", Output{}, {5}}};
  EXPECT_EQ(check_graph(g)[1].max_abs_sum, std::int64_t{2901} * 2901 * 255);
  std::get<AvgPool>(g.nodes[1].op).kernel = 2902;
  std::get<MaxPool>(g.nodes[3].op).kernel = 1;
  EXPECT_THAT(error_of(g), HasSubstr("node 'pool' (avg_pool): its sums could reach 2147509020"));
}

TEST(Graph, BatchNormFollowsALayerAndFoldsAway) {
  Graph g = small_graph();
  g.nodes.insert(g.nodes.begin() + 2, {"conv_bn", BatchNorm{}, {1}});
  for (std::size_t i = 3; i < g.nodes.size(); ++i) g.nodes[i].inputs = {static_cast<int>(i) - 1};
  EXPECT_EQ(check_graph(g)[2].max_abs_sum, check_graph(g)[1].max_abs_sum);
  const Graph folded = fold_batch_norm(g);
  ASSERT_EQ(folded.nodes.size(), 7u);
  EXPECT_EQ(folded.nodes[2].name, "act");
  EXPECT_EQ(folded.nodes[2].inputs, std::vector<int>{1});
  EXPECT_EQ(folded.nodes[6].inputs, std::vector<int>{5});
  EXPECT_EQ(error_of(folded), "no error");
  std::get<BatchNorm>(g.nodes[2].op).epsilon = 0;
  EXPECT_THAT(error_of(g), HasSubstr("node 'conv_bn' (batch_norm): epsilon must be positive"));
}

/// small_graph with batch norm behind its activation, whose values are quantized again.
Graph activation_first_graph() {
  Graph g = small_graph();
  g.nodes.insert(g.nodes.begin() + 3, {{"act_bn", BatchNorm{}, {2}}, {"codes", Quantize{}, {3}}});
  for (std::size_t i = 5; i < g.nodes.size(); ++i) g.nodes[i].inputs = {static_cast<int>(i) - 1};
  return g;
}

TEST(Graph, BatchNormBehindAnActivationBecomesAChannelAffine) {
  const Graph g = activation_first_graph();
  EXPECT_EQ(check_graph(g)[3].max_abs_sum, check_graph(g)[2].max_code);
  Graph folded = fold_batch_norm(g);
  ASSERT_EQ(folded.nodes.size(), g.nodes.size());
  EXPECT_EQ(folded.nodes[3].name, "act_bn");
  EXPECT_EQ(kind_name(folded.nodes[3].op), "channel_affine");
  const NodeInfo info = check_graph(folded)[3];
  EXPECT_FALSE(info.codes);
  EXPECT_EQ(info.max_abs_sum, check_graph(folded)[2].max_code);
  folded.nodes[2].op = Quantize{};
  EXPECT_THAT(error_of(folded), HasSubstr("node 'act_bn' (channel_affine): reads 'act'; a "
                                          "channel_affine must directly follow an activation"));
}

TEST(Graph, BatchNormOfAMeanIsRefused) {
  Graph g = small_graph();
  g.nodes[3].op = AvgPool{2, 2};
  g.nodes[4].op = BatchNorm{};
  EXPECT_THAT(error_of(g), HasSubstr("node 'flatten' (batch_norm): reads 'pool'; a batch_norm must "
                                     "directly follow"));
}

/// small_graph with a normalization of its convolution's three channels.
Graph normalised_graph(const GroupNorm& norm) {
  Graph g = small_graph();
  g.nodes.insert(g.nodes.begin() + 2, {"conv_gn", norm, {1}});
  for (std::size_t i = 3; i < g.nodes.size(); ++i) g.nodes[i].inputs = {static_cast<int>(i) - 1};
  return g;
}

TEST(Graph, GroupNormFollowsALayerAndStays) {
  const Graph g = normalised_graph({3});
  const auto info = check_graph(g);
  EXPECT_EQ(info[2].shape, info[1].shape);
  EXPECT_FALSE(info[2].codes);
  EXPECT_EQ(info[2].weight_count, 0);
  EXPECT_EQ(info[3].max_code, 7);
  EXPECT_EQ(fold_batch_norm(g).nodes.size(), g.nodes.size());
  EXPECT_EQ(kind_name(g.nodes[2].op), "group_norm");
}

TEST(Graph, MistakesOfAGroupNormNameIt) {
  const auto message = [](const GroupNorm& norm) { return error_of(normalised_graph(norm)); };
  EXPECT_THAT(message({2}), HasSubstr("node 'conv_gn' (group_norm): 2 groups do not divide the 3 "
                                      "channels of 'conv'"));
  EXPECT_THAT(message({0}), HasSubstr("node 'conv_gn' (group_norm): groups is 0, must be 1 to 3"));
  EXPECT_THAT(message({4}), HasSubstr("groups is 4, must be 1 to 3"));
  for (const float epsilon : {0.0f, -1.0f, __builtin_nanf(""), __builtin_inff()}) {
    EXPECT_THAT(message({1, epsilon}), HasSubstr("node 'conv_gn' (group_norm): epsilon is "));
  }
  Graph g = small_graph();
  g.nodes[3].op = GroupNorm{};
  EXPECT_THAT(error_of(g),
              HasSubstr("node 'pool' (group_norm): needs the sums of a conv2d, linear, "
                        "avg_pool or add node, but 'act' gives codes"));
  g.nodes[3].op = AvgPool{2, 2};
  g.nodes[4].op = GroupNorm{};
  EXPECT_THAT(error_of(g), HasSubstr("node 'flatten' (group_norm): reads 'pool'; a group_norm must "
                                     "directly follow a conv2d or linear node"));
  g = normalised_graph({1});
  g.nodes.insert(g.nodes.begin() + 3, {"again", BatchNorm{}, {2}});
  EXPECT_THAT(error_of(g),
              HasSubstr("node 'again' (batch_norm): reads 'conv_gn'; a batch_norm must"));
  g = normalised_graph({1});
  g.nodes[3].op = MaxPool{};
  EXPECT_THAT(error_of(g), HasSubstr("needs codes, but 'conv_gn' gives sums"));
}

TEST(Graph, FindAndWeightNodes) {
  const Graph g = small_graph();
  EXPECT_EQ(g.find("fc"), 5);
  EXPECT_EQ(g.find("nothing"), -1);
  EXPECT_EQ(weight_nodes(g), (std::vector<int>{1, 5}));
  EXPECT_EQ(weight_format(g.nodes[1]).code.bits, 4);
  EXPECT_EQ(weight_format(g.nodes[5]).code.bits, 2);
  EXPECT_THROW(weight_format(g.nodes[2]), InternalError);
  EXPECT_EQ(kind_name(g.nodes[3].op), "max_pool");
}

}  // namespace
}  // namespace flatenn
