#include "flatenn/engine/int8_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

using testing::ElementsAre;

WeightFormat lsq() { return {WeightQuantizer::lsq, {4, Encoding::twos_complement, false}}; }

/// Kernels that can fuse pooling, on any processor: only the shapes of tiles matter to a plan.
Kernels fusing_kernels() {
  Kernels kernels = *portable_kernels();
  kernels.pooled = {4, 4, kernels.many.run, kernels.many.run_low};
  kernels.pooled_six = {6, 4, kernels.many.run, kernels.many.run_low};
  return kernels;
}

/// A name a step: 'L'ayer, 'M'ax or 'A'verage pooling, '+', 'F'latten, 'T'win.
std::string kinds(const Plan& plan) {
  std::string kinds;
  for (const Step& step : plan.steps) {
    const auto* pool = std::get_if<PoolStep>(&step);
    kinds += pool != nullptr && pool->average ? 'A' : "LM+FT"[step.index()];
  }
  return kinds;
}

/// Nodes: 0 input 7x5, 1 conv of `channels`, 2 activation, 3 pool, 4 conv, 5 activation, 6 flatten,
/// 7 linear, 8 output.
Graph pooled_graph(int channels, int bits) {
  Graph graph;
  graph.nodes = {{"input", Input{1, 7, 5, 1.0f, 9}, {}},
                 {"conv1", Conv2d{channels, 3, 1, 1, true, lsq()}, {0}},
                 {"act1", Activation{bits}, {1}},
                 {"pool", MaxPool{2, 2}, {2}},
                 {"conv2", Conv2d{5, 3, 1, 1, true, lsq()}, {3}},
                 {"act2", Quantize{3}, {4}},
                 {"flatten", Flatten{}, {5}},
                 {"fc", Linear{4, true, lsq()}, {6}},
                 {"output", Output{}, {7}}};
  return graph;
}

/// Nodes: 0 input, 1 conv, 2 activation, 3 conv, 4 activation, 5 add of 2 and 4 (or `inputs`), 6
/// activation, 7 flatten, 8 linear, 9 output.
Graph residual_graph(std::vector<int> inputs = {2, 4}) {
  Graph graph;
  graph.nodes = {{"input", Input{1, 5, 5, 1.0f, 0}, {}},
                 {"conv1", Conv2d{4, 3, 1, 1, true, lsq()}, {0}},
                 {"act1", Activation{4}, {1}},
                 {"conv2", Conv2d{4, 3, 1, 1, true, lsq()}, {inputs == std::vector{2, 4} ? 2 : 0}},
                 {"branch", Quantize{8}, {3}},
                 {"add", Add{}, std::move(inputs)},
                 {"act2", Activation{4}, {5}},
                 {"flatten", Flatten{}, {6}},
                 {"fc", Linear{3, true, lsq()}, {7}},
                 {"output", Output{}, {8}}};
  return graph;
}

TEST(Int8Plan, AStepALayerAndAPoolAndABufferForEveryCode) {
  const Plan plan =
      compile(random_model(pooled_graph(6, 4), 1), *portable_kernels(), /*fuse=*/true);
  // Six channels under a convolution: cells repeat their neighbours, in the layer's buffer not yet.
  EXPECT_EQ(kinds(plan), "LMTLL");
  EXPECT_THAT(plan.buffer_of_node, ElementsAre(0, -1, 1, 2, -1, 3, 3, -1, -1));
  EXPECT_THAT(plan.steps_until, ElementsAre(0, 0, 1, 3, 0, 4, 4, 0, 5));
  EXPECT_THAT(plan.tensor_of_node, ElementsAre(-1, 0, -1, -1, 1, -1, -1, 2, -1));
  EXPECT_THAT(plan.step_of_tensor, ElementsAre(0, 3, 4));
  EXPECT_EQ(buffer_written(plan.steps.back()), logits);
  EXPECT_EQ(plan.classes, 4);
  EXPECT_EQ(plan.buffers[0].zero_point, 9);
  EXPECT_EQ(plan.buffers[0].pad, 1);
  EXPECT_EQ(plan.buffers[1].pad, 0);
  EXPECT_EQ(plan.buffers[2].pad, 1);
  EXPECT_EQ(plan.buffers[3].zero_point, 4);
  EXPECT_EQ(plan.layer_of(1).to.low, -4);
  EXPECT_EQ(plan.layer_of(1).to.high, 3);
  EXPECT_EQ(plan.layer_of(0).to.high, 15);
}

TEST(Int8Plan, AFusedPoolTakesItsWindowsFourPositionsAtATime) {
  const Kernels kernels = fusing_kernels();
  const Model model = random_model(pooled_graph(6, 4), 1);
  const Plan plan = compile(model, kernels, true);
  EXPECT_EQ(kinds(plan), "LTLL");
  EXPECT_EQ(plan.buffer_of_node[2], -1);
  EXPECT_EQ(plan.buffer_of_node[3], 1);
  const LayerStep& layer = plan.layer_of(0);
  EXPECT_EQ(layer.tile, &kernels.pooled_six);
  // 7x5 pools to 3x2; the last row and column fall away.
  ASSERT_EQ(layer.to.offsets.size(), 6u);
  const Buffer& in = plan.buffers[0];
  std::vector<std::int32_t> expected;
  for (const int y : {0, 2, 4}) {
    for (const int x : {0, 2}) {
      for (const int corner : {0, 1, 2, 3}) {
        expected.push_back(in.offset(y + corner / 2 - 1, x + corner % 2 - 1));
      }
    }
  }
  EXPECT_EQ(layer.in_offsets, expected);
  EXPECT_EQ(kinds(compile(model, kernels, false)), "LMTLL");
  EXPECT_EQ(compile(random_model(pooled_graph(7, 4), 1), kernels, true).layer_of(0).tile,
            &kernels.pooled);
}

TEST(Int8Plan, FusionNeedsA2x2PoolThatAloneReadsTheLayer) {
  const Kernels kernels = fusing_kernels();
  const auto kinds_of = [&](const Graph& graph) {
    return kinds(compile(random_model(graph, 1), kernels, true));
  };
  Graph graph = pooled_graph(8, 4);
  ASSERT_EQ(kinds_of(graph), "LLL");
  graph.nodes[3].op = MaxPool{2, 1};
  EXPECT_EQ(kinds_of(graph), "LMLL");
  graph.nodes[3].op = MaxPool{3, 2};
  EXPECT_EQ(kinds_of(graph), "LMLL");
  // Weights with an offset need window sums.
  graph = pooled_graph(8, 4);
  std::get<Conv2d>(graph.nodes[1].op).weights = {WeightQuantizer::saq,
                                                 {4, Encoding::offset_binary, false}};
  EXPECT_EQ(kinds_of(graph), "LMLL");
}

TEST(Int8Plan, ANormalizationJoinsTheLayerBeforeIt) {
  Graph graph = pooled_graph(4, 4);
  graph.nodes.insert(graph.nodes.begin() + 2, {"norm", GroupNorm{2, 0.25f}, {1}});
  for (std::size_t n = 3; n < graph.nodes.size(); ++n) {
    graph.nodes[n].inputs = {static_cast<int>(n) - 1};
  }
  const Model model = random_model(graph, 1);
  const Plan plan = compile(model, fusing_kernels(), /*fuse=*/true);
  EXPECT_EQ(kinds(plan), "LMLL");  // pooling stays apart
  const LayerStep& layer = plan.layer_of(0);
  EXPECT_EQ(layer.norm.node, 2);
  EXPECT_EQ(layer.norm.groups, 2);
  EXPECT_EQ(layer.norm.epsilon, 0.25);
  EXPECT_EQ(layer.norm.multiplier, model.affine[2].multiplier);
  EXPECT_EQ(layer.norm_floats(), (4u * 35 + 2 * 2) * 16);
  EXPECT_EQ(plan.layer_of(1).norm.node, -1);
  EXPECT_EQ(plan.layer_of(1).norm_floats(), 0u);
  EXPECT_EQ(plan.tensor_of_node[2], 0);
  EXPECT_EQ(layer.to.buffer, plan.buffer_of_node[3]);
}

TEST(Int8Plan, AnAdditionBehindANormalizationStaysAlone) {
  Graph graph = residual_graph();
  graph.nodes.insert(graph.nodes.begin() + 4, {"norm", GroupNorm{2}, {3}});
  for (std::size_t n = 5; n < graph.nodes.size(); ++n) {
    graph.nodes[n].inputs = {static_cast<int>(n) - 1};
  }
  graph.nodes[6].inputs = {2, 5};
  EXPECT_EQ(kinds(compile(random_model(graph, 1), *portable_kernels(), true)), "LL+L");
}

TEST(Int8Plan, BytesBelow128AreTakenForLow) {
  for (const int bits : {2, 7, 8}) {
    const Plan plan = compile(random_model(pooled_graph(3, bits), 1), *portable_kernels(), true);
    EXPECT_FALSE(plan.layer_of(0).low_bytes);
    EXPECT_EQ(plan.layer_of(1).low_bytes, bits < 8);
  }
}

TEST(Int8Plan, OnlyAFlattenThatAConvolutionReadsMovesPixels) {
  Graph graph = pooled_graph(4, 4);
  graph.nodes.resize(7);
  graph.nodes.push_back({"conv3", Conv2d{4, 1, 1, 0, true, lsq()}, {6}});
  graph.nodes.push_back({"act3", Activation{4}, {7}});
  graph.nodes.push_back({"fc", Linear{4, true, lsq()}, {8}});
  graph.nodes.push_back({"output", Output{}, {9}});
  const Plan plan = compile(random_model(graph, 1), *portable_kernels(), true);
  EXPECT_EQ(kinds(plan), "LMLFLL");
  EXPECT_NE(plan.buffer_of_node[6], plan.buffer_of_node[5]);
}

TEST(Int8Plan, BuffersOfMoreThanTwoGigabytesAreRefused) {
  Graph graph;
  graph.nodes = {{"photo", Input{1, 6000, 6000, 1.0f, 0}, {}},
                 {"conv", Conv2d{1, 1, 4096, 0, true, lsq()}, {0}},
                 {"act", Activation{4}, {1}},
                 {"flatten", Flatten{}, {2}},
                 {"fc", Linear{2, true, lsq()}, {3}},
                 {"output", Output{}, {4}}};
  const Model model = random_model(graph, 1);
  try {
    compile(model, *portable_kernels(), true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("node 'photo': 16 images at once need 2304000000 "
                                                 "bytes, at most 2 GiB"));
  }
}

TEST(Int8Plan, ValuesOfMoreThanTwoGigabytesAreRefused) {
  Graph graph;
  graph.nodes = {{"photo", Input{1, 2900, 2900, 1.0f, 0}, {}},
                 {"conv", Conv2d{4, 1, 1, 0, true, lsq()}, {0}},
                 {"norm", GroupNorm{1}, {1}},
                 {"act", Activation{4}, {2}},
                 {"pool", MaxPool{2900, 2900}, {3}},
                 {"flatten", Flatten{}, {4}},
                 {"fc", Linear{2, true, lsq()}, {5}},
                 {"output", Output{}, {6}}};
  const Model model = random_model(graph, 1);
  try {
    compile(model, *portable_kernels(), true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("node 'conv': 16 images at once need 2152960128 "
                                                 "bytes, at most 2 GiB"));
  }
}

Plan random_plan(std::uint64_t seed, const Kernels& kernels, bool fuse) {
  return compile(random_model(random_graph(seed), seed), kernels, fuse);
}

/// The layout that LayerArgs::weights states, blocks x steps x channels x 4, and nothing twice.
RC_GTEST_PROP(Int8Plan, EveryWeightHasAPlaceOfItsOwn, (std::uint64_t seed)) {
  const Plan plan = random_plan(seed, *portable_kernels(), true);
  for (int t = 0; t < std::ssize(plan.model.weights); ++t) {
    const LayerStep& layer = plan.layer_of(t);
    RC_ASSERT(layer.tensor == t);
    const std::vector<int>& shape = plan.model.weights[t].shape;
    const std::int64_t taps = std::ssize(plan.model.weights[t].codes) / shape[0];
    RC_ASSERT(std::ssize(layer.gather.slots) == taps);
    std::set<std::size_t> places;
    for (std::int64_t c = 0; c < shape[0]; ++c) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::size_t at = layer.weight_at(c, tap);
        RC_ASSERT(at < layer.weight_bytes());
        RC_ASSERT(places.insert(at).second);
        const auto cell = static_cast<std::int64_t>(at) / 4;
        const int width = layer.tile->channels;
        RC_ASSERT(cell % width + cell / width / layer.steps() * width == c);
        RC_ASSERT(static_cast<std::int64_t>(at) % 4 + cell / width % layer.steps() * 4 ==
                  layer.gather.slots[tap]);
      }
    }
  }
}

TEST(Int8Plan, AnAdditionJoinsTheLayerBeforeIt) {
  const Model model = random_model(residual_graph(), 1);
  EXPECT_EQ(kinds(compile(model, *portable_kernels(), /*fuse=*/false)), "LL+L");
  const Plan plan = compile(model, *portable_kernels(), /*fuse=*/true);
  EXPECT_EQ(kinds(plan), "LLL");
  const JoinedAdd& add = plan.layer_of(1).add;
  EXPECT_EQ(add.in, plan.buffer_of_node[2]);
  EXPECT_EQ(add.low, -128);
  EXPECT_EQ(add.high, 127);
  EXPECT_EQ(add.multiplier[0], model.affine[5].multiplier[1]);
  EXPECT_EQ(add.multiplier[1], model.affine[5].multiplier[0]);
  EXPECT_EQ(plan.buffer_of_node[4], -1);
  EXPECT_THAT(buffers_read(plan.steps[1]), ElementsAre(add.in, add.in));
  EXPECT_LT(plan.layer_of(0).add.in, 0);
}

TEST(Int8Plan, OfTwoLayersTheFirstInputsTakesTheAddition) {
  const Plan plan =
      compile(random_model(residual_graph({4, 2}), 1), *portable_kernels(), /*fuse=*/true);
  EXPECT_EQ(kinds(plan), "LLL");
  EXPECT_EQ(plan.layer_of(1).add.in, plan.buffer_of_node[2]);
  const Plan other =
      compile(random_model(residual_graph({2, 4}), 1), *portable_kernels(), /*fuse=*/true);
  EXPECT_GE(other.layer_of(1).add.in, 0);  // act1 has another reader
}

TEST(Int8Plan, AnAdditionOfAResultToItselfStaysAlone) {
  Graph graph = residual_graph();
  graph.nodes[5].inputs = {4, 4};
  EXPECT_EQ(kinds(compile(random_model(graph, 1), *portable_kernels(), /*fuse=*/true)), "LL+L");
}

/// What a window reads lies within the buffer, the border included.
RC_GTEST_PROP(Int8Plan, LayersReadAndWriteWithinTheirBuffers, (std::uint64_t seed, bool fuse)) {
  const Kernels kernels = fusing_kernels();
  const Plan plan = random_plan(seed, kernels, fuse);
  for (int t = 0; t < std::ssize(plan.model.weights); ++t) {
    const LayerStep& layer = plan.layer_of(t);
    const auto in = std::ranges::minmax(layer.in_offsets);
    const auto step = std::ranges::minmax(layer.gather.step_offsets);
    RC_ASSERT(in.min + step.min >= 0);
    RC_ASSERT(in.max + step.max + cell_bytes <= plan.buffers[layer.in].bytes());
    if (layer.to.buffer == logits) continue;
    const Buffer& out = plan.buffers[layer.to.buffer];
    const std::set<std::int32_t> cells(layer.to.offsets.begin(), layer.to.offsets.end());
    RC_ASSERT(std::ssize(cells) == std::int64_t{out.shape.height} * out.shape.width);
    RC_ASSERT(*cells.begin() == out.offset(0, 0));
    RC_ASSERT(*cells.rbegin() == out.offset(out.shape.height - 1, out.shape.width - 1));
  }
}

}  // namespace
}  // namespace flatenn::int8
