#include "flatenn/train/ops.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "flatenn/base/random.h"

namespace flatenn {
namespace {

using torch::Tensor;

Tensor random_tensor(std::vector<std::int64_t> shape, std::uint64_t key) {
  Tensor x = torch::empty(shape);
  RandomStream stream(2, Purpose::test, key);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data_ptr<float>()[i] = static_cast<float>(stream.normal());
  }
  return x;
}

/// Runs f on float32 (our kernels) and float64 (libtorch) and compares result and gradients.
template <class F>
void expect_agreement(const std::vector<Tensor>& inputs, const F& f) {
  std::vector<std::vector<Tensor>> results;
  for (const auto type : {torch::kFloat32, torch::kFloat64}) {
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs) {
      leaves.push_back(input.defined() ? input.to(type).clone().requires_grad_() : Tensor());
    }
    const Tensor y = f(leaves);
    y.backward(random_tensor(y.sizes().vec(), 99).to(type));
    results.push_back({y.detach()});
    for (const Tensor& leaf : leaves) {
      if (leaf.defined()) results.back().push_back(leaf.grad());
    }
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    RC_ASSERT(results[0][i].sizes() == results[1][i].sizes());
    const Tensor difference = (results[0][i] - results[1][i]).abs();
    const double scale = 1 + results[1][i].abs().max().item<double>();
    RC_ASSERT(difference.max().item<double>() < 1e-5 * scale);
  }
}

RC_GTEST_PROP(Ops, ConvolutionAgreesWithLibtorch, ()) {
  const int images = *rc::gen::element(1, 3, 16, 17, 37, 64, 80, 128);
  const int in = *rc::gen::inRange(1, 5);
  const int out = *rc::gen::inRange(1, 18);
  const int kernel = *rc::gen::element(1, 2, 3, 5);
  const int stride = *rc::gen::inRange(1, 4);
  const int padding = *rc::gen::inRange(0, 3);
  const int height = *rc::gen::inRange(kernel, 9);
  const int width = *rc::gen::inRange(kernel, 9);
  const bool bias = *rc::gen::arbitrary<bool>();
  expect_agreement(
      {random_tensor({in, height, width, images}, 1), random_tensor({out, in, kernel, kernel}, 2),
       bias ? random_tensor({out}, 3) : Tensor()},
      [&](const std::vector<Tensor>& t) { return ops::conv2d(t[0], t[1], t[2], stride, padding); });
}

Tensor half(const Tensor& x) { return x.to(torch::kBFloat16); }
bool lies_channels_last(const Tensor& x) { return x.permute({3, 1, 2, 0}).is_contiguous(); }

/// Equal but for the rounding of `a`, bfloat16, and the order of sums around `scale`.
bool equal_to_rounding(const Tensor& a, const Tensor& b, double scale) {
  const Tensor difference = (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs();
  return (difference - b.abs() / 256).max().item<double>() < 1e-5 * (1 + scale);
}

/// Products of bfloat16 are exact in float32: only the sums are rounded.
RC_GTEST_PROP(Ops, ConvolutionInBfloat16IsThatOfRoundedOperands, ()) {
  const int images = *rc::gen::element(1, 3, 16, 17);
  const int in = *rc::gen::element(1, 3, 4, 16, 20);
  const int out = *rc::gen::element(1, 3, 16, 18);
  const int kernel = *rc::gen::element(1, 3, 5);
  const int stride = *rc::gen::inRange(1, 3);
  const int padding = *rc::gen::inRange(0, 3);
  const int size = *rc::gen::inRange(kernel, 9);
  const bool bias = *rc::gen::arbitrary<bool>();
  std::vector<std::vector<Tensor>> results;
  for (const auto type : {torch::kBFloat16, torch::kFloat32}) {
    const auto leaf = [&](std::vector<std::int64_t> shape, std::uint64_t key) {
      return half(random_tensor(std::move(shape), key)).to(type).requires_grad_();
    };
    const Tensor x = leaf({in, size, size, images}, 1);
    const Tensor w = leaf({out, in, kernel, kernel}, 2);
    const Tensor b = bias ? leaf({out}, 3) : Tensor();
    const Tensor y = ops::conv2d(x, w, b, stride, padding);
    y.backward(half(random_tensor(y.sizes().vec(), 4)).to(type));
    results.push_back({y.detach(), x.grad(), w.grad()});
    if (bias) results.back().push_back(b.grad());
  }
  RC_ASSERT(lies_channels_last(results[0][0]));
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    const Tensor& expected = results[1][i];
    RC_ASSERT(results[0][i].scalar_type() == torch::kBFloat16);
    RC_ASSERT(equal_to_rounding(results[0][i], expected, expected.abs().max().item<double>()));
  }
}

/// Each operation between two convolutions: float32 arithmetic, rounded once, channels last.
TEST(Ops, Bfloat16IsFloat32RoundedOnceAndStaysChannelsLast) {
  const Tensor gamma = random_tensor({8}, 1), beta = random_tensor({8}, 2);
  const std::vector<std::function<Tensor(const Tensor&)>> operations{
      [](const Tensor& x) { return ops::max_pool(x, 2, 2); },
      [](const Tensor& x) { return ops::max_pool(x, 3, 1); },
      [](const Tensor& x) { return ops::avg_pool(x, 2, 2); },
      [](const Tensor& x) { return ops::avg_pool(x, 6, 6); },
      [](const Tensor& x) { return x + x.detach(); },
      [&](const Tensor& x) { return ops::group_norm(x, gamma, beta, 2, 1e-5); },
      [&](const Tensor& x) {
        Tensor mean = torch::zeros({8}), variance = torch::ones({8});
        return ops::batch_norm(x, gamma, beta, mean, variance, true, 0.1, 1e-5);
      },
      [](const Tensor& x) { return ops::flatten(x); }};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    SCOPED_TRACE(i);
    // As a convolution would leave it.
    const Tensor data = half(random_tensor({7, 6, 6, 8}, 3)).permute({3, 1, 2, 0});
    Tensor x = data.detach().requires_grad_();
    Tensor wide = data.to(torch::kFloat32).contiguous().requires_grad_();
    const Tensor y = operations[i](x), expected = operations[i](wide);
    const Tensor g = half(random_tensor(expected.sizes().vec(), 4));
    y.backward(g.to(y.scalar_type()));
    expected.backward(g.to(torch::kFloat32));
    EXPECT_TRUE(equal_to_rounding(y, expected, 1));
    // libtorch rounds some gradients more than once.
    const double largest = wide.grad().abs().max().item<double>();
    EXPECT_LT((x.grad() - wide.grad()).abs().max().item<double>(), 0.01 * largest);
    const bool flattens = i + 1 == operations.size();
    const bool half = y.scalar_type() == torch::kBFloat16;
    EXPECT_TRUE(flattens || !half || lies_channels_last(y));
  }
}

TEST(Ops, LinearLayersStayFloat32) {
  const Tensor x = random_tensor({20, 1, 1, 6}, 1), w = random_tensor({3, 20}, 2);
  const Tensor y = ops::linear(half(x), w, {});
  EXPECT_EQ(y.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(y, ops::linear(half(x).to(torch::kFloat32), w, {})));
}

RC_GTEST_PROP(Ops, LinearAgreesWithLibtorch, ()) {
  const int in = *rc::gen::inRange(1, 40);
  const int out = *rc::gen::inRange(1, 20);
  const int images = *rc::gen::element(1, 15, 16, 33, 128);
  expect_agreement(
      {random_tensor({in, 1, 1, images}, 1), random_tensor({out, in}, 2), random_tensor({out}, 3)},
      [](const std::vector<Tensor>& t) { return ops::linear(t[0], t[1], t[2]); });
}

RC_GTEST_PROP(Ops, MaxPoolingAgreesWithLibtorchAlsoOnTies, ()) {
  const int kernel = *rc::gen::inRange(1, 4);
  const int stride = *rc::gen::inRange(1, 4);
  const int height = *rc::gen::inRange(kernel, 9);
  const int width = *rc::gen::inRange(kernel, 9);
  const int images = *rc::gen::element(1, 5, 16, 40);
  // Few levels: most windows hold their largest element several times.
  const Tensor x = random_tensor({2, height, width, images}, 4).round();
  expect_agreement(
      {x}, [&](const std::vector<Tensor>& t) { return ops::max_pool(t[0], kernel, stride); });
}

TEST(Ops, AveragePoolingKeepsImagesInnermost) {
  const Tensor x = torch::arange(2 * 4 * 4 * 3, torch::kFloat32).reshape({2, 4, 4, 3});
  const Tensor halves = ops::avg_pool(x, 2, 2);
  ASSERT_EQ(halves.sizes(), (std::vector<std::int64_t>{2, 2, 2, 3}));
  EXPECT_EQ(halves[1][0][1][2].item<float>(),
            (x[1][0][2][2] + x[1][0][3][2] + x[1][1][2][2] + x[1][1][3][2]).item<float>() / 4);
  const Tensor whole = ops::avg_pool(x, 4, 4);
  EXPECT_FLOAT_EQ(whole[1][0][0][2].item<float>(), x[1].reshape({16, 3}).mean(0)[2].item<float>());
}

TEST(Ops, BatchNormNormalisesChannelsAndMovesStatistics) {
  const Tensor x = random_tensor({3, 2, 2, 8}, 5) * 3 + 1;
  Tensor mean = torch::zeros({3});
  Tensor variance = torch::ones({3});
  const Tensor gamma = torch::ones({3});
  const Tensor beta = torch::zeros({3});
  const Tensor y = ops::batch_norm(x, gamma, beta, mean, variance, true, 0.1, 1e-5);
  EXPECT_LT(y.reshape({3, -1}).mean(1).abs().max().item<float>(), 1e-5);
  EXPECT_TRUE(torch::allclose(mean, 0.1 * x.reshape({3, -1}).mean(1)));
  const Tensor before = mean.clone();
  ops::batch_norm(x, gamma, beta, mean, variance, true, 0.0, 1e-5);
  EXPECT_TRUE(torch::equal(mean, before));
}

RC_GTEST_PROP(Ops, GroupNormAgreesWithLibtorch, ()) {
  const int groups = *rc::gen::inRange(1, 5);
  const int channels = groups * *rc::gen::inRange(1, 5);
  const int height = *rc::gen::inRange(1, 5);
  const int width = *rc::gen::inRange(1, 5);
  const int images = *rc::gen::element(1, 3, 16, 17, 40);
  // Not far below the values' variance: a group of one value would have gradients of any size.
  const double epsilon = *rc::gen::element(1e-2, 0.5);
  expect_agreement({random_tensor({channels, height, width, images}, 6) * 2 + 1,
                    random_tensor({channels}, 7), random_tensor({channels}, 8)},
                   [&](const std::vector<Tensor>& t) {
                     return ops::group_norm(t[0], t[1], t[2], groups, epsilon);
                   });
}

/// Baselines of torch.nn.functional.group_norm, images first.
TEST(Ops, GroupNormMeetsItsBaselines) {
  std::ifstream file(FLATENN_SOURCE_DIR "/tests/parity/group_norm.json");
  for (const auto& c : nlohmann::json::parse(file)) {
    const auto shape = c["shape"].get<std::vector<std::int64_t>>();
    const auto tensor = [&](const char* key, std::vector<std::int64_t> sizes) {
      return torch::tensor(c[key].get<std::vector<float>>()).reshape(sizes);
    };
    const auto images_last = [](const Tensor& t) { return t.permute({1, 2, 3, 0}).contiguous(); };
    for (const auto type : {torch::kFloat32, torch::kFloat64}) {
      Tensor x = images_last(tensor("x", shape)).to(type).requires_grad_();
      Tensor gamma = tensor("gamma", {shape[1]}).to(type).requires_grad_();
      Tensor beta = tensor("beta", {shape[1]}).to(type).requires_grad_();
      const Tensor y =
          ops::group_norm(x, gamma, beta, c["groups"].get<int>(), c["epsilon"].get<double>());
      y.backward(images_last(tensor("g", shape)).to(type));
      const auto near = [&](const Tensor& a, const Tensor& b) {
        EXPECT_LT((a.to(torch::kFloat64) - b).abs().max().item<double>(), 2e-5);
      };
      near(y, images_last(tensor("y", shape)));
      near(x.grad(), images_last(tensor("gx", shape)));
      near(gamma.grad(), tensor("ggamma", {shape[1]}));
      near(beta.grad(), tensor("gbeta", {shape[1]}));
    }
  }
}

TEST(Ops, GroupNormDifferentiatesTwiceInDoubles) {
  Tensor x = random_tensor({4, 2, 2, 3}, 9).to(torch::kFloat64).requires_grad_();
  const Tensor gamma = random_tensor({4}, 10).to(torch::kFloat64);
  const Tensor weights = random_tensor({4, 2, 2, 3}, 11).to(torch::kFloat64);
  const auto gradient = [&](const Tensor& at) {
    const Tensor y = (ops::group_norm(at, gamma, gamma, 2, 0.1) * weights).pow(2).sum();
    return torch::autograd::grad({y}, {at}, {}, true, true)[0];
  };
  const Tensor direction = random_tensor({4, 2, 2, 3}, 12).to(torch::kFloat64);
  const Tensor second = torch::autograd::grad({(gradient(x) * direction).sum()}, {x})[0];
  const auto moved = [&](double by) {
    return gradient((x.detach() + by * direction).requires_grad_()).detach();
  };
  const Tensor difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
  EXPECT_LT((second - difference).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace flatenn
