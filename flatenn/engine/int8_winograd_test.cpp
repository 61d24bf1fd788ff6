#include "flatenn/engine/int8_winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/int8_weights.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

TEST(Winograd, CountsAreTheDoubledTransformOfAKernel) {
  constexpr int g[4][3] = {{2, 0, 0}, {1, 1, 1}, {-1, 1, -1}, {0, 0, 2}};
  RandomStream stream(1, Purpose::test, 7);
  for (int round = 0; round < 20; ++round) {
    int kernel[3][3];
    for (auto& row : kernel) {
      for (int& w : row) w = static_cast<int>(stream.below(29)) - 14;
    }
    std::int8_t entries[winograd_entries];
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
      entries[e] = static_cast<std::int8_t>(counted);
    }
    for (int tap = 0; tap < 9; ++tap) {
      EXPECT_EQ(winograd_weight(entries, 1, tap / 3, tap % 3), kernel[tap / 3][tap % 3]);
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
  EXPECT_TRUE(planned(graph_of(conv3(16, 1, 4), 16, 3, 4)));
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

/// All that this processor has; the portable ones everywhere.
std::vector<const Kernels*> kernels_with_winograd() {
  std::vector<const Kernels*> sets = {portable_kernels()};
  if (avx512_vnni_kernels() != nullptr) sets.push_back(avx512_vnni_kernels());
  return sets;
}

/// The kernel alone, on bytes and weights at the ends of what the transforms have room for.
class WinogradKernel : public testing::TestWithParam<int> {
 protected:
  static constexpr int height = 5, width = 7, channels = 12, largest_byte = 63, largest_weight = 14;

  WinogradKernel() {
    in_.shape = {GetParam(), height, width};
    in_.pad = 1;
    in_.zero_point = 32;
    in_.max_byte = largest_byte;
    in_.groups = channel_groups(GetParam(), true);
    bytes_ = AlignedBytes(static_cast<std::size_t>(in_.bytes()));
    std::generate_n(bytes_.data(), in_.bytes(), [&] { return stream_.below(2) * largest_byte; });
    weights_.resize(static_cast<std::size_t>(channels * GetParam() * 9));
    // Each kernel has the signs that make one entry of its transform the largest.
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const auto tap = static_cast<int>(i % 9);
      const std::size_t kernel = i / 9, channel = kernel / static_cast<std::size_t>(GetParam());
      const int count =
          winograd_counts(tap / 3, tap % 3)[channel * 2 % winograd_entries + kernel % 2];
      const bool negative = count == 0 ? stream_.below(2) == 0 : count < 0;
      weights_[i] = negative ? -largest_weight : largest_weight;
    }
  }

  int weight(int channel, int in, int ky, int kx) const {
    return weights_[static_cast<std::size_t>(((channel * GetParam() + in) * 3 + ky) * 3 + kx)];
  }

  float convolved(int channel, int position, int image) const {
    int sum = 0;
    for (int c = 0; c < GetParam(); ++c) {
      for (int ky = 0; ky < 3; ++ky) {
        for (int kx = 0; kx < 3; ++kx) {
          const int at = c / 4 * in_.group_stride() + 4 * image + c % 4 +
                         in_.offset(position / width + ky - 1, position % width + kx - 1);
          sum += weight(channel, c, ky, kx) * (bytes_.data()[at] - in_.zero_point);
        }
      }
    }
    return static_cast<float>(sum);
  }

  void expect_convolution(const WinogradTile& tile) const;

  RandomStream stream_{4, Purpose::test, 9};
  Buffer in_;
  AlignedBytes bytes_;
  std::vector<int> weights_;
};

void WinogradKernel::expect_convolution(const WinogradTile& tile) const {
  Conv2d conv = conv3(channels, 1, 4);
  NodeInfo in, out;
  in.shape = {GetParam(), height, width};
  out.shape = {16, height, width};
  const std::optional<Winograd> plan = plan_winograd(conv, in, out, in_, tile.tiles);
  ASSERT_TRUE(plan);
  const int blocks = channels / tile.channels;
  std::vector<std::int8_t> packed(
      static_cast<std::size_t>(channels * plan->groups * winograd_entries * 4));
  std::vector<std::int32_t> start(channels * winograd_entries);
  for (int c = 0; c < channels; ++c) {
    for (int i = 0; i < GetParam(); ++i) {
      for (int e = 0; e < winograd_entries; ++e) {
        int sum = 0;
        for (int tap = 0; tap < 9; ++tap) {
          sum += winograd_counts(tap / 3, tap % 3)[static_cast<std::size_t>(e)] *
                 weight(c, i, tap / 3, tap % 3);
        }
        const int block = c / tile.channels, f = c % tile.channels;
        const int cell = (block * plan->groups + i / 4) * winograd_entries + e;
        packed[static_cast<std::size_t>((cell * tile.channels + f) * 4 + i % 4)] =
            static_cast<std::int8_t>(sum);
        start[static_cast<std::size_t>((block * winograd_entries + e) * tile.channels + f)] -=
            plan->offsets[static_cast<std::size_t>(e)] * sum;
      }
    }
  }
  const std::vector<float> ones(channels, 1.0f), zeros(channels, 0.0f);
  const AlignedBytes values(channels * height * width * cell_bytes);
  const AlignedBytes inputs(
      static_cast<std::size_t>(winograd_entries * plan->groups * tile.tiles * cell_bytes));
  const AlignedBytes sums(
      static_cast<std::size_t>(2 * tile.tiles * tile.channels * winograd_entries * cell_bytes));
  WinogradArgs args;
  args.layer.in = bytes_.data();
  args.layer.blocks = blocks;
  args.layer.weights = packed.data();
  args.layer.bias = start.data();
  args.layer.multiplier = ones.data();
  args.layer.addend = zeros.data();
  args.layer.sink.channels = channels;
  args.layer.sink.values = reinterpret_cast<float*>(values.data());
  args.layer.sink.value_positions = height * width;
  args.patches = plan->patches.data();
  args.positions = plan->positions.data();
  args.tiles = static_cast<int>(plan->patches.size());
  args.width = width;
  args.groups = plan->groups;
  args.lift = plan->lift;
  args.row_bytes = plan->row_bytes;
  args.group_bytes = plan->group_bytes;
  args.inputs = inputs.data();
  args.sums = reinterpret_cast<std::int32_t*>(sums.data());
  tile.run(args);
  for (int c = 0; c < channels; ++c) {
    for (int n = 0; n < height * width; ++n) {
      for (int i = 0; i < images_per_block; ++i) {
        ASSERT_EQ(args.layer.sink.values[(c * height * width + n) * images_per_block + i],
                  convolved(c, n, i))
            << c << " " << n << " " << i;
      }
    }
  }
}

TEST_P(WinogradKernel, EqualsTheConvolution) {
  for (const Kernels* kernels : kernels_with_winograd()) expect_convolution(kernels->winograd);
}

// 64 channels are the most that are summed row by row.
INSTANTIATE_TEST_SUITE_P(Channels, WinogradKernel, testing::Values(16, 64, 80));

TEST(Winograd, PatchingACodeIsPackingItAnew) {
  Model model = random_model(graph_of(conv3(18, 1, 4), 17, 8, 4, true), 5);
  const auto plan = [&] {
    return std::make_shared<const Plan>(compile(model, *portable_kernels(), true));
  };
  PackedWeights patched(plan());
  ASSERT_TRUE(plan()->layer_of(1).winograd);
  const std::vector<std::int8_t> clean = model.weights[1].codes;
  const auto expect_as_packed = [&] {
    const PackedWeights packed(plan());
    const std::size_t bytes = plan()->layer_of(1).weight_bytes();
    EXPECT_TRUE(std::equal(packed.weights(1), packed.weights(1) + bytes, patched.weights(1)));
    EXPECT_TRUE(
        std::equal(packed.bias(1), packed.bias(1) + 20 * winograd_entries, patched.bias(1)));
    for (std::int64_t e = 0; e < std::ssize(clean); ++e) {
      ASSERT_EQ(patched.get(1, e), model.weights[1].codes[static_cast<std::size_t>(e)]);
    }
  };
  for (std::size_t e = 0; e < clean.size(); e += 2) {
    model.weights[1].codes[e] = e % 4 == 0 ? -8 : 7;
    patched.set(1, static_cast<std::int64_t>(e), model.weights[1].codes[e]);
  }
  expect_as_packed();
  model.weights[1].codes = clean;
  for (std::size_t e = 0; e < clean.size(); ++e) {
    patched.set(1, static_cast<std::int64_t>(e), clean[e]);
  }
  expect_as_packed();
  EXPECT_THROW(patched.set(1, 0, 15), InternalError);
}

struct Case {
  int channels_in, channels_out, size, padding, weight_bits, bits;
  bool negative;
  WeightQuantizer quantizer = WeightQuantizer::lsq;
};

std::vector<std::int32_t> codes_of(Evaluator& evaluator) { return evaluator.trace(4, 0, 20).codes; }

/// Random and worst-case codes, faults and their undoing, against the definition.
void expect_equal_to_reference(const Case& c) {
  Conv2d conv = conv3(c.channels_out, c.padding, c.weight_bits);
  conv.weights.quantizer = c.quantizer;
  const Graph graph = graph_of(conv, c.channels_in, c.size, c.bits, c.negative);
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
  constexpr Case cases[] = {{16, 16, 8, 1, 4, 4, false},
                            {16, 18, 8, 0, 4, 4, false},
                            {20, 16, 6, 1, 3, 6, false},
                            {17, 19, 10, 2, 2, 2, false},
                            {32, 16, 4, 1, 4, 6, true},
                            {64, 32, 8, 1, 4, 5, true},
                            {18, 16, 12, 1, 4, 4, false},
                            {16, 16, 3, 1, 4, 4, true},
                            {16, 20, 7, 0, 4, 4, false},
                            {80, 16, 7, 1, 4, 6, true},
                            {16, 16, 7, 1, 4, 4, false, WeightQuantizer::saq}};
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.channels_in << " to " << c.channels_out << " channels, "
                                    << c.size << " pixels");
    expect_equal_to_reference(c);
  }
}

}  // namespace
}  // namespace flatenn::int8
