#include "flatenn/engine/int8_buffer_faults.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <variant>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

constexpr int act_node = 2, branch_node = 4;
constexpr int act_bits = 4, branch_bits = 3;

/// Six channels with a border and twin steps, then five signed ones.
Plan plan_of(const Kernels& kernels = *portable_kernels(), bool pooled = false) {
  const WeightFormat lsq = {WeightQuantizer::lsq, {4, Encoding::twos_complement, false}};
  Graph graph;
  graph.nodes = {{"input", Input{1, 4, 6, 1.0f, 0}, {}},
                 {"conv1", Conv2d{6, 3, 1, 1, true, lsq}, {0}},
                 {"act", Activation{act_bits}, {1}},
                 {"conv2", Conv2d{5, 3, 1, 1, true, lsq}, {2}},
                 {"branch", Quantize{branch_bits}, {3}}};
  int last = branch_node;
  if (pooled) graph.nodes.push_back({"pool", MaxPool{2, 2}, {last++}});
  graph.nodes.push_back({"flatten", Flatten{}, {last}});
  graph.nodes.push_back({"fc", Linear{3, true, lsq}, {last + 1}});
  graph.nodes.push_back({"output", Output{}, {last + 2}});
  return compile(random_model(graph, 1), kernels, true);
}

/// What the word of a signed code of branch_bits, stored as code + 4, reads as.
std::uint8_t read_signed(std::uint8_t byte, const BufferFault& fault) {
  const int code = byte - 4;
  const int word = ((code & 7) & fault.keep) ^ fault.toggle;
  return static_cast<std::uint8_t>((word >= 4 ? word - 8 : word) + 4);
}

BufferFault random_fault(const Plan& plan, int node, RandomStream& stream) {
  const auto elements = static_cast<std::uint64_t>(plan.infos[node].shape.elements());
  const int words = 1 << (node == act_node ? act_bits : branch_bits);
  BufferFault fault{node, static_cast<std::int64_t>(stream.below(elements))};
  fault.keep = static_cast<std::uint8_t>(0x100 - words + stream.below(words));
  fault.toggle = static_cast<std::uint8_t>(stream.below(words));
  return fault;
}

/// Codes that the nodes can have, everywhere.
std::vector<std::uint8_t> random_arena(const Plan& plan, RandomStream& stream) {
  std::vector<std::uint8_t> arena(static_cast<std::size_t>(plan.arena_bytes));
  for (const int node : {act_node, branch_node}) {
    const int b = plan.buffer_of_node[node];
    for (std::int64_t i = 0; i < plan.buffers[b].bytes(); ++i) {
      arena[plan.places[b] + i] =
          static_cast<std::uint8_t>(stream.below(1 << (node == act_node ? act_bits : branch_bits)));
    }
  }
  return arena;
}

std::size_t step_writing(const Plan& plan, int node) {
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    if (buffer_written(plan.steps[s]) == plan.buffer_of_node[node]) return s;
  }
  return plan.steps.size();
}

/// Applying all steps changes the faulty element of every image as its word says, and no other
/// byte; a step that writes another buffer changes nothing.
RC_GTEST_PROP(Int8BufferFaults, ChangeOneWordOfEveryImage, (std::uint64_t seed)) {
  const Plan plan = plan_of();
  RandomStream stream(seed, Purpose::test, 5);
  BufferFaults faults(plan);
  for (const int node : {act_node, branch_node, act_node}) {
    const BufferFault fault = random_fault(plan, node, stream);
    faults.set(plan, {&fault, 1});  // replaces the last one
    const std::vector<std::uint8_t> before = random_arena(plan, stream);
    std::vector<std::uint8_t> expected = before;
    const int b = plan.buffer_of_node[node];
    for (int image = 0; image < images_per_block; ++image) {
      std::uint8_t& byte =
          expected[plan.places[b] + plan.buffers[b].byte_of(fault.element) + 4 * image];
      byte = node == act_node ? static_cast<std::uint8_t>((byte & fault.keep) ^ fault.toggle)
                              : read_signed(byte, fault);
    }
    std::vector<std::uint8_t> arena = before;
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      if (s == step_writing(plan, node)) continue;
      faults.apply(s, arena.data());
    }
    RC_ASSERT(arena == before);
    faults.apply(step_writing(plan, node), arena.data());
    RC_ASSERT(arena == expected);
  }
}

TEST(Int8BufferFaults, ReachTheStepsFromTheFirstFaultyOneOn) {
  const Plan plan = plan_of();
  ASSERT_TRUE(std::holds_alternative<TwinStep>(plan.steps[1]));
  BufferFaults faults(plan);
  EXPECT_FALSE(faults.reach(plan.steps.size()));
  const std::vector<BufferFault> second = {{branch_node, 0, 0xfe, 0}};
  faults.set(plan, second);
  EXPECT_FALSE(faults.reach(2));  // the convolution and its twin
  EXPECT_TRUE(faults.reach(3));
  const std::vector<BufferFault> both = {{branch_node, 0, 0xfe, 0}, {act_node, 3, 0xfe, 0}};
  faults.set(plan, both);
  EXPECT_FALSE(faults.reach(0));
  EXPECT_TRUE(faults.reach(1));
  EXPECT_EQ(std::vector<BufferFault>(faults.faults().begin(), faults.faults().end()), both);
  faults.set(plan, {});
  EXPECT_FALSE(faults.reach(plan.steps.size()));
  EXPECT_TRUE(faults.faults().empty());
}

TEST(Int8BufferFaults, FusedPoolingLeavesItsLayerWithoutABuffer) {
  Kernels kernels = *portable_kernels();
  kernels.pooled = {4, 4, kernels.many.run, kernels.many.run_low};
  const Plan fused = plan_of(kernels, true);
  const std::vector<BufferFault> act = {{act_node, 0, 0xfe, 0}};
  const std::vector<BufferFault> both = {{act_node, 0, 0xfe, 0}, {branch_node, 0, 0xfe, 0}};
  EXPECT_TRUE(have_buffers(fused, act));
  EXPECT_FALSE(have_buffers(fused, both));
  EXPECT_TRUE(have_buffers(plan_of(*portable_kernels(), true), both));
  EXPECT_TRUE(have_buffers(fused, {}));
}

}  // namespace
}  // namespace flatenn::int8
