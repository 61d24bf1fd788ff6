#include "flatenn/engine/int8_winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

TEST(Winograd, CountsAreTheDoubledTransformOfAKernel) {
  constexpr int g[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
  RandomStream stream(1, Purpose::test, 7);
  for (int round = 0; round < 20; ++round) {
    int kernel[3][3];
    for (auto& row : kernel) {
      for (int& w : row) w = static_cast<int>(stream.below(29)) - 14;
    }
    for (int e = 0; e < winograd_entries; ++e) {
      int expected = 0, counted = 0;
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 3; ++x) {
          expected += g[e / 4][y] * kernel[y][x] * g[e % 4][x];
          counted += winograd_counts(y, x)[static_cast<std::size_t>(e)] * kernel[y][x];
        }
      }
      EXPECT_EQ(counted, expected);
      EXPECT_LE(std::abs(counted), 126);
    }
  }
}

/// Two 3x3 convolutions; the second is the one in question.
Graph graph_of(const Conv2d& conv, int channels, int size, int bits, bool negative = false) {
  Graph graph;
  Conv2d first{channels, 1, 1, 0, true, {WeightQuantizer::lsq, {4, Encoding::twos_complement}}};
  graph.nodes = {{"input", Input{1, size, size, 1.0f / 255, 3}, {}},
                 {"first", first, {0}},
                 {"codes", Activation{bits}, {1}},
                 {"conv", conv, {2}},
                 {"act", Activation{4}, {3}},
                 {"flatten", Flatten{}, {4}},
                 {"fc", Linear{5}, {5}},
                 {"output", Output{}, {6}}};
  if (negative) graph.nodes[2].op = Quantize{bits};
  return graph;
}

Conv2d conv3(int channels, int padding, int bits) {
  return {channels, 3, 1, padding, true, {WeightQuantizer::lsq, {bits, Encoding::twos_complement}}};
}

bool planned(const Graph& graph) {
  const std::vector<NodeInfo> infos = check_graph(graph);
  Buffer buffer;
  buffer.shape = infos[2].shape;
  buffer.pad = 1;
  buffer.zero_point = -infos[2].min_code;
  buffer.max_byte = infos[2].max_code - infos[2].min_code;
  buffer.groups = channel_groups(buffer.shape.channels, true);
  return plan_winograd(std::get<Conv2d>(graph.nodes[3].op), infos[2], infos[3], buffer, 4)
      .has_value();
}

TEST(Winograd, OnlyWhereItIsExactAndPays) {
  EXPECT_TRUE(planned(graph_of(conv3(16, 1, 4), 16, 8, 4)));
  EXPECT_TRUE(planned(graph_of(conv3(16, 0, 2), 16, 8, 6)));
  EXPECT_TRUE(planned(graph_of(conv3(16, 1, 4), 16, 8, 6, true)));
  EXPECT_FALSE(planned(graph_of(conv3(16, 1, 5), 16, 8, 4))) << "weights of 5 bits";
  EXPECT_FALSE(planned(graph_of(conv3(16, 1, 4), 16, 8, 7))) << "codes of 7 bits";
  EXPECT_FALSE(planned(graph_of(conv3(16, 1, 4), 16, 7, 4))) << "odd height and width";
  EXPECT_FALSE(planned(graph_of(conv3(12, 1, 4), 16, 8, 4))) << "few channels out";
  EXPECT_FALSE(planned(graph_of(conv3(16, 1, 4), 12, 8, 4))) << "few channels in";
  EXPECT_FALSE(planned(graph_of(conv3(16, 1, 4), 16, 2, 4))) << "fewer than four tiles";
  Conv2d strided = conv3(16, 1, 4);
  strided.stride = 2;
  EXPECT_FALSE(planned(graph_of(strided, 16, 8, 4)));
  Conv2d wide = conv3(16, 1, 4);
  wide.kernel = 5;
  EXPECT_FALSE(planned(graph_of(wide, 16, 8, 4)));
  // 15 * 8 * 9 * channels reaches 2^29 at 497,103 channels; a quarter of int32's range is left.
  std::vector<NodeInfo> infos = check_graph(graph_of(conv3(16, 1, 4), 16, 8, 4));
  infos[3].max_abs_sum = std::int64_t{1} << 29;
  Buffer buffer;
  buffer.shape = infos[2].shape;
  buffer.max_byte = 15;
  buffer.groups = channel_groups(16, true);
  EXPECT_FALSE(plan_winograd(conv3(16, 1, 4), infos[2], infos[3], buffer, 4));
}

struct Case {
  int channels_in, channels_out, size, padding, weight_bits, bits;
  bool negative;
};

std::vector<std::int32_t> codes_of(Evaluator& evaluator) { return evaluator.trace(4, 0, 20).codes; }

/// Random and worst-case codes, faults and their undoing, against the definition.
void expect_equal_to_reference(const Case& c) {
  const Graph graph = graph_of(conv3(c.channels_out, c.padding, c.weight_bits), c.channels_in,
                               c.size, c.bits, c.negative);
  ASSERT_TRUE(planned(graph));
  Model model = random_model(graph, 5);
  const Dataset data = random_dataset(std::get<Input>(graph.nodes[0].op), 20, 5);
  const std::unique_ptr<Evaluator> fast = make_int8_evaluator(model, data);
  const std::unique_ptr<Evaluator> exact = make_reference_evaluator(model, data);
  const auto clean = codes_of(*exact);
  EXPECT_EQ(codes_of(*fast), clean);
  const CodeFormat& format = model.weights[1].format;
  RandomStream stream(2, Purpose::test, 3);
  std::vector<CodeWrite> writes, undo;
  const auto count = static_cast<std::int64_t>(model.weights[1].codes.size());
  for (std::int64_t e = 0; e < count; e += 1 + static_cast<std::int64_t>(stream.below(3))) {
    const bool low = stream.below(2) == 0;
    writes.push_back({1, e, static_cast<std::int8_t>(low ? format.min_code() : format.max_code())});
    undo.push_back({1, e, model.weights[1].codes[static_cast<std::size_t>(e)]});
  }
  fast->write(writes);
  exact->write(writes);
  EXPECT_EQ(codes_of(*fast), codes_of(*exact));
  EXPECT_EQ(codes_of(*fast->clone()), codes_of(*exact));
  fast->write(undo);
  EXPECT_EQ(codes_of(*fast), clean);
  // Every weight at an end: the largest transformed weights and sums.
  writes.clear();
  for (std::int64_t e = 0; e < count; ++e) {
    writes.push_back({1, e, static_cast<std::int8_t>(format.min_code())});
  }
  fast->write(writes);
  exact->write(writes);
  EXPECT_EQ(codes_of(*fast), codes_of(*exact));
}

TEST(Winograd, EqualsTheDefinitionCodeForCode) {
  constexpr Case cases[] = {{16, 16, 8, 1, 4, 4, false}, {16, 18, 8, 0, 4, 4, false},
                            {20, 16, 6, 1, 3, 6, false}, {17, 19, 10, 2, 2, 2, false},
                            {32, 16, 4, 1, 4, 6, true},  {64, 32, 8, 1, 4, 5, true},
                            {18, 16, 12, 1, 4, 4, false}};
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.channels_in << " to " << c.channels_out << " channels, "
                                    << c.size << " pixels");
    expect_equal_to_reference(c);
  }
}

}  // namespace
}  // namespace flatenn::int8
