#include "flatenn/train/injection.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <numeric>

namespace flatenn {
namespace {

using torch::Tensor;

constexpr Shape kShape{8, 6, 5};

Tensor mask_of(MaskShape shape, std::uint64_t index, const Shape& size = kShape) {
  Tensor mask = torch::zeros({size.channels, size.height, size.width});
  RandomStream stream(1, Purpose::test, index);
  draw_mask(shape, size, stream,
            {mask.data_ptr<float>(), static_cast<std::size_t>(size.elements())});
  return mask;
}

/// Share of channels that are hit at all, over many draws.
double channel_share(MaskShape shape) {
  double hit = 0;
  constexpr int draws = 2000;
  for (int i = 0; i < draws; ++i) {
    hit += mask_of(shape, static_cast<std::uint64_t>(i)).amax({1, 2}).sum().item<double>();
  }
  return hit / draws / kShape.channels;
}

TEST(Injection, MasksHaveTheirShapes) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(mask_of(MaskShape::pixel, i).sum().item<int>(), 1);
    const Tensor line = mask_of(MaskShape::line, i);
    const Tensor square = mask_of(MaskShape::square, i);
    const Tensor channel = mask_of(MaskShape::channel, i);
    for (int c = 0; c < kShape.channels; ++c) {
      const int in_line = line[c].sum().item<int>();
      EXPECT_TRUE(in_line == 0 || in_line == kShape.width || in_line == kShape.height);
      // A rectangle is as large as its rows times its columns.
      const int rows = square[c].amax(1).sum().item<int>();
      const int columns = square[c].amax(0).sum().item<int>();
      EXPECT_EQ(square[c].sum().item<int>(), rows * columns);
      const int whole = channel[c].sum().item<int>();
      EXPECT_TRUE(whole == 0 || whole == kShape.height * kShape.width);
    }
  }
}

TEST(Injection, ChannelsAreHitWithTheirProbabilities) {
  // Of 16,000 channels each: five standard errors.
  EXPECT_NEAR(channel_share(MaskShape::line), 0.75, 0.02);
  EXPECT_NEAR(channel_share(MaskShape::square), 0.3, 0.02);
  EXPECT_NEAR(channel_share(MaskShape::channel), 0.1, 0.015);
  EXPECT_NEAR(channel_share(MaskShape::random), 0.1, 0.015);
  double hit = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    hit += mask_of(MaskShape::line, i, {10, 1, 1}).mean().item<double>();
  }
  EXPECT_NEAR(hit / 2000, 0.3, 0.02);
}

TEST(Injection, FactorsAreOneWhereNothingIsHit) {
  RandomStream stream(1, Purpose::test, 0);
  const Tensor factors = draw_factors(MaskShape::line, kShape, 400, 0.25, -3, stream);
  EXPECT_EQ(factors.sizes(), (std::vector<std::int64_t>{8, 6, 5, 400}));
  EXPECT_TRUE(((factors == 1) | (factors == -3)).all().item<bool>());
  const double images = (factors == -3).any(0).any(0).any(0).sum().item<double>() / 400;
  EXPECT_NEAR(images, 0.25, 0.1);
}

Graph two_layers() {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 1, .height = 5, .width = 5}, {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 3, .kernel = 3}, {0}});
  graph.nodes.push_back({"act", Activation{}, {1}});
  graph.nodes.push_back({"flat", Flatten{}, {2}});
  graph.nodes.push_back({"fc", Linear{.out_features = 4}, {3}});
  graph.nodes.push_back({"output", Output{}, {4}});
  return graph;
}

TEST(Injection, DrawsAreKeyedAndCoverLayersAndSizes) {
  const Injection injection(two_layers(), {0.9, MaskShape::line, 6}, 3);
  int conv = 0;
  double sum = 0, largest = 0;
  for (std::int64_t step = 0; step < 300; ++step) {
    const SumsFactor a = injection.draw(step, 16, torch::kCPU);
    EXPECT_TRUE(torch::equal(a.factor, injection.draw(step, 16, torch::kCPU).factor));
    conv += a.node == 1;
    EXPECT_EQ(a.factor.size(0), a.node == 1 ? 3 : 4);
    const double error = std::abs(a.factor.min().item<double>()) > 1
                             ? a.factor.min().item<double>()
                             : a.factor.max().item<double>();
    sum += error;
    largest = std::max(largest, std::abs(error));
  }
  EXPECT_NEAR(conv / 300.0, 0.5, 0.15);
  EXPECT_LE(largest, 6);
  EXPECT_GT(largest, 5);
  EXPECT_LT(std::abs(sum / 300), 1.5);
  EXPECT_EQ(Injection(two_layers(), {}, 3).draw(0, 16, torch::kCPU).node, -1);
}

TEST(Injection, MultipliesTheOutputOfItsLayer) {
  Module module(two_layers(), 1, torch::kCPU);
  const Tensor pixels = torch::rand({1, 5, 5, 2});
  module.forward(pixels, {});
  const auto sums = [&](const SumsFactor& factor) {
    return module.forward(pixels, {.training = false, .keep_results = true, .factor = factor})
        .results[1];
  };
  Tensor factor = torch::ones({3, 3, 3, 2});
  factor[1] = -2;
  EXPECT_TRUE(torch::equal(sums({1, factor}), sums({}) * factor));
}

}  // namespace
}  // namespace flatenn
