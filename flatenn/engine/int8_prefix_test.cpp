#include "flatenn/engine/int8_prefix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

/// A residual block: 2 is read by the convolution 3 and by the addition 5. Weight tensors: conv1,
/// conv2, conv3, fc. Four channels everywhere, so that there are no twin steps.
Plan residual_plan() {
  const WeightFormat lsq = {WeightQuantizer::lsq, {4, Encoding::twos_complement, false}};
  Graph graph;
  graph.nodes = {
      {"input", Input{1, 5, 5, 1.0f, 0}, {}}, {"conv1", Conv2d{4, 3, 1, 1, true, lsq}, {0}},
      {"act1", Activation{4}, {1}},           {"conv2", Conv2d{4, 3, 1, 1, true, lsq}, {2}},
      {"branch", Quantize{8}, {3}},           {"add", Add{}, {2, 4}},
      {"act2", Activation{4}, {5}},           {"conv3", Conv2d{4, 3, 1, 1, true, lsq}, {6}},
      {"act3", Activation{4}, {7}},           {"flatten", Flatten{}, {8}},
      {"fc", Linear{3, true, lsq}, {9}},      {"output", Output{}, {10}}};
  return compile(random_model(graph, 1), *portable_kernels(), false);
}

/// Nodes whose buffers a prefix before `tensor` keeps.
std::vector<int> kept_nodes(const Plan& plan, int tensor) {
  Prefix prefix(plan, tensor, 1);
  prefix.allocate();
  std::vector<int> nodes;
  for (const int n : {0, 2, 4, 6, 8}) {
    if (prefix.cells(plan.buffer_of_node[n], 0) != nullptr) nodes.push_back(n);
  }
  return nodes;
}

TEST(Int8Prefix, KeepsWhatIsStillRead) {
  const Plan plan = residual_plan();
  ASSERT_EQ(plan.steps.size(), 5u);  // conv1, conv2, add, conv3, fc
  const std::vector<std::vector<int>> nodes = {{}, {2}, {6}, {8}, {8}};
  const std::vector<std::size_t> steps = {0, 1, 3, 4, 4};
  for (int tensor = 0; tensor < 5; ++tensor) {
    const Prefix prefix(plan, tensor, 1);
    EXPECT_EQ(prefix.steps(), steps[tensor]) << tensor;
    EXPECT_EQ(kept_nodes(plan, tensor), nodes[tensor]) << tensor;
  }
}

TEST(Int8Prefix, CountsItsBytesBeforeItTakesThem) {
  const Plan plan = residual_plan();
  EXPECT_EQ(Prefix(plan, 0, 9).bytes(), 0u);
  // act1 and act2 have a border of one pixel, 7x7 cells; act3 has none.
  EXPECT_EQ(Prefix(plan, 1, 3).bytes(), 3u * 49 * 64);
  EXPECT_EQ(Prefix(plan, 2, 1).bytes(), 49u * 64);
  EXPECT_EQ(Prefix(plan, 3, 2).bytes(), 2u * 25 * 64);
}

TEST(Int8Prefix, GivesBackEachBlockAsItWasKept) {
  const Plan plan = residual_plan();
  Prefix prefix(plan, 2, 3);
  prefix.allocate();
  const int b = plan.buffer_of_node[6];
  const auto place = static_cast<std::size_t>(plan.places[b]);
  const auto size = static_cast<std::size_t>(plan.buffers[b].bytes());
  std::vector<std::vector<std::uint8_t>> arenas;
  RandomStream stream(1, Purpose::test, 4);
  for (std::size_t block = 0; block < 3; ++block) {
    std::vector<std::uint8_t>& arena = arenas.emplace_back(plan.arena_bytes);
    std::ranges::generate(arena, [&] { return static_cast<std::uint8_t>(stream.below(256)); });
  }
  // In another order, to see that no block runs into the next.
  for (const std::size_t block : {2, 0, 1}) prefix.keep(plan, block, arenas[block].data());
  for (std::size_t block = 0; block < 3; ++block) {
    ASSERT_TRUE(std::equal(arenas[block].begin() + place, arenas[block].begin() + place + size,
                           prefix.cells(b, block)))
        << block;
  }
}

}  // namespace
}  // namespace flatenn::int8
