#include "flatenn/engine/int8_places.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flatenn/engine/testing.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

TEST(Int8Places, ChainsTakeTurnsInTwoPlaces) {
  Graph graph;
  graph.nodes = {{"input", Input{3, 8, 8, 1.0f, 0}, {}}};
  for (int last = 0; last < 10; last += 2) {
    const std::string name = "conv" + std::to_string(last);
    graph.nodes.push_back({name, Conv2d{8, 3, 1, 1}, {last}});
    graph.nodes.push_back({name + "_act", Activation{4}, {last + 1}});
  }
  graph.nodes.push_back({"flatten", Flatten{}, {10}});
  graph.nodes.push_back({"fc", Linear{5}, {11}});
  graph.nodes.push_back({"output", Output{}, {12}});
  const Plan plan = compile(random_model(graph, 1), *portable_kernels(), true);
  // All but the last have a border of one pixel: 2 groups x 10 x 10 cells.
  EXPECT_EQ(plan.arena_bytes, 2 * 2 * 100 * 64 + 2 * 64 * 64);
  EXPECT_EQ(plan.places[1], plan.places[3]);
  EXPECT_NE(plan.places[1], plan.places[2]);
}

/// Runs the steps on marks instead of codes: whoever reads a buffer finds in each of its bytes what
/// was written there for it, and memory is lent on only between buffers with equal borders.
RC_GTEST_PROP(Int8Places, NoBufferIsOverwrittenBeforeItsLastReader,
              (std::uint64_t seed, bool fuse)) {
  Kernels kernels = *portable_kernels();
  kernels.pooled = {4, 4, kernels.many.run, kernels.many.run_low};
  const Plan plan = compile(random_model(random_graph(seed), seed), kernels, fuse);
  std::vector<int> owner(static_cast<std::size_t>(plan.arena_bytes / cell_bytes), -1);
  for (const Step& step : plan.steps) {
    for (const int b : buffers_read(step)) {
      if (b == 0) continue;
      const auto first = owner.begin() + plan.places[b] / cell_bytes;
      RC_ASSERT(std::all_of(first, first + plan.buffers[b].bytes() / cell_bytes,
                            [&](int o) { return o == b; }));
    }
    const int b = buffer_written(step);
    if (b == logits) continue;
    const Buffer& to = plan.buffers[b];
    RC_ASSERT(plan.places[b] % cell_bytes == 0);
    RC_ASSERT(plan.places[b] + to.bytes() <= plan.arena_bytes);
    for (std::int64_t i = 0; i < to.bytes() / cell_bytes; ++i) {
      int& o = owner[plan.places[b] / cell_bytes + i];
      if (o >= 0) {
        RC_ASSERT(plan.buffers[o].shape == to.shape);
        RC_ASSERT(plan.buffers[o].zero_point == to.zero_point);
        RC_ASSERT(plan.buffers[o].pad == to.pad);
        RC_ASSERT(plan.places[o] == plan.places[b]);
      }
      o = b;
    }
  }
}

}  // namespace
}  // namespace flatenn::int8
