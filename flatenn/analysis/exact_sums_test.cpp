#include "flatenn/analysis/exact_sums.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/base/random.h"
#include "flatenn/train/ops.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// A layer of 5 channels on 3, its weights moved by up to a spacing.
struct Layer {
  ConvShape shape{.images = 37,
                  .in_channels = 3,
                  .height = 9,
                  .width = 8,
                  .out_channels = 5,
                  .kernel = 3,
                  .stride = 2,
                  .padding = 1};
  WeightTensor weights{0, "w", {5, 3, 3, 3}, {}, 0.05f, 0, {}};
  NodeAffine affine;
  Tensor x, displacement;

  explicit Layer(bool window = false) {
    RandomStream random(1, Purpose::test, 0);
    for (int i = 0; i < 5 * 27; ++i) {
      weights.codes.push_back(static_cast<std::int8_t>(random.below(16)) - 8);
    }
    for (int channel = 0; channel < 5; ++channel) {
      affine.multiplier.push_back(0.01f + 0.003f * static_cast<float>(channel));
      affine.addend.push_back(0.7f * static_cast<float>(channel) - 1);
      if (window) affine.window_multiplier.push_back(0.02f * static_cast<float>(channel + 1));
    }
    x = torch::empty({3, 9, 8, 37});
    for (int i = 0; i < x.numel(); ++i)
      x.data_ptr<float>()[i] = static_cast<float>(random.below(16));
    displacement = torch::empty({5, 3, 3, 3});
    for (int i = 0; i < displacement.numel(); ++i) {
      displacement.data_ptr<float>()[i] = 0.1f * static_cast<float>(random.uniform() - 0.5);
    }
  }

  /// libtorch's sums in double precision, the rest in single.
  Tensor exact() const {
    const Tensor codes =
        torch::from_blob(const_cast<std::int8_t*>(weights.codes.data()), {5, 3, 3, 3}, torch::kInt8)
            .to(torch::kFloat64) +
        displacement.to(torch::kFloat64) / static_cast<double>(weights.scale);
    const auto sums = [&](const Tensor& w) {
      const Tensor images = x.permute({3, 0, 1, 2}).to(torch::kFloat64);
      return torch::conv2d(images, w, {}, 2, 1).permute({1, 2, 3, 0}).to(torch::kFloat32);
    };
    const auto channels = [](const std::vector<float>& v) {
      return torch::tensor(v).view({-1, 1, 1, 1});
    };
    Tensor v = sums(codes) * channels(affine.multiplier);
    if (!affine.window_multiplier.empty()) {
      v = v + sums(torch::ones_like(codes)) * channels(affine.window_multiplier);
    }
    return (v + channels(affine.addend)).contiguous();
  }

  void settle(Tensor& v, const CodeRange& range) const {
    settle_ties(shape, x.data_ptr<float>(), weights, displacement.data_ptr<float>(), affine, range,
                v.data_ptr<float>());
  }
};

TEST(ExactSums, ReplaceWhatLiesBesideATie) {
  for (const bool window : {false, true}) {
    const Layer layer(window);
    const Tensor exact = layer.exact();
    // Anything beside a tie is taken anew, whatever stood there.
    Tensor v = exact.floor() + 0.5f;
    layer.settle(v, {-100, 100});
    EXPECT_TRUE(v.equal(exact)) << (v - exact).abs().max();
  }
}

TEST(ExactSums, LeaveTheRestAlone) {
  const Layer layer;
  const Tensor exact = layer.exact();
  Tensor v = exact.floor() + 0.25f;
  const Tensor before = v.clone();
  layer.settle(v, {-100, 100});
  EXPECT_TRUE(v.equal(before));
  // Codes end at 3: there and beyond is no tie.
  v = torch::full_like(exact, 3.5f);
  layer.settle(v, {0, 3});
  EXPECT_TRUE(v.eq(3.5f).all().item<bool>());
  v = torch::full_like(exact, 2.5f);
  layer.settle(v, {0, 3});
  EXPECT_TRUE(v.equal(exact));
}

TEST(ExactSums, TiesAreFoundAcrossAllThatSinglePrecisionMayBeOff) {
  const Layer layer;
  const Tensor exact = layer.exact();
  for (const float off : {-6e-5f, -1e-6f, 0.0f, 1e-6f, 6e-5f}) {
    Tensor v = torch::full_like(exact, 6.5f + off);
    layer.settle(v, {0, 15});
    EXPECT_TRUE(v.equal(exact)) << off;
  }
}

/// A sum that single precision rounds over the tie: 2^24 + 1 - 2^24 is 0 in one order.
TEST(ExactSums, AreThoseOfDoublePrecision) {
  const ConvShape shape{.images = 1, .in_channels = 3};
  const WeightTensor weights{0, "w", {1, 3}, {}, 1, 0, {0, 0, 0}};
  const NodeAffine affine{{1.0f}, {}, {2.5f}};
  const std::vector<float> x{1, 1, 1}, displacement{0x1p24f, 0.25f, -0x1p24f};
  float v = 2.5f;
  settle_ties(shape, x.data(), weights, displacement.data(), affine, {0, 15}, &v);
  EXPECT_EQ(v, 2.75f);
}

/// As the last layers of ResNet-18 have them: 4,608 terms, of one sign for the most part.
TEST(ExactSums, CodesOfWideLayersAreThoseOfDoublePrecision) {
  const ConvShape shape{.images = 64, .in_channels = 4608, .out_channels = 512};
  const torch::NoGradGuard guard;
  RandomStream random(2, Purpose::test, 0);
  WeightTensor weights{0, "w", {512, 4608}, {}, 0.05f, 0, std::vector<std::int8_t>(512 * 4608)};
  for (std::int8_t& code : weights.codes) code = static_cast<std::int8_t>(random.below(12)) - 4;
  Tensor x = torch::empty({4608, 1, 1, 64}), displacement = torch::empty({512, 4608});
  for (int i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = static_cast<float>(random.below(16));
  for (int i = 0; i < displacement.numel(); ++i) {
    displacement.data_ptr<float>()[i] = 0.05f * static_cast<float>(random.normal());
  }
  const NodeAffine affine{std::vector<float>(512, 0.003f), {}, std::vector<float>(512, -150)};
  const Tensor codes =
      torch::from_blob(weights.codes.data(), {512, 4608}, torch::kInt8).to(torch::kFloat64) +
      displacement.to(torch::kFloat64) / static_cast<double>(weights.scale);
  const Tensor flat = x.view({4608, 64});
  const auto finish = [](const Tensor& sums) { return sums * 0.003f - 150.0f; };
  const Tensor exact = finish(torch::mm(codes, flat.to(torch::kFloat64)).to(torch::kFloat32));
  const auto rounded = [](const Tensor& v) { return v.clamp(0, 15).round(); };
  Tensor v = finish(ops::conv2d(x, codes.to(torch::kFloat32).view({512, 4608, 1, 1}), {}, 1, 0))
                 .view({512, 64});
  EXPECT_FALSE(rounded(v).equal(rounded(exact))) << "no tie to settle";
  settle_ties(shape, x.data_ptr<float>(), weights, displacement.data_ptr<float>(), affine, {0, 15},
              v.data_ptr<float>());
  EXPECT_TRUE(rounded(v).equal(rounded(exact)));
}

}  // namespace
}  // namespace flatenn
