#include "flatenn/quant/fake_quant.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

using torch::Tensor;

WeightFormat format_of(WeightQuantizer quantizer, int bits) {
  return {quantizer, {bits, Encoding::twos_complement, quantizer == WeightQuantizer::robust}};
}

Tensor leaf(Tensor x) { return x.detach().clone().requires_grad_(); }

Tensor random_tensor(std::vector<std::int64_t> shape, std::uint64_t key) {
  Tensor x = torch::empty(shape);
  RandomStream stream(1, Purpose::test, key);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data_ptr<float>()[i] = static_cast<float>(stream.normal());
  }
  return x;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

/// Runs a quantizer by its name in the baselines.
Tensor run(const std::string& kind, int bits, const Tensor& x, const Tensor& step) {
  if (kind == "activation") return fake_quantize_activation(x, step, bits, x.size(3)).values;
  if (kind == "signed") return fake_quantize_signed(x, step, bits, x.size(3));
  const WeightFormat format = format_of(parse_weight_quantizer(kind), bits);
  return fake_quantize_weights(x, step, format, weight_grid(x, step, format));
}

/// The baselines of tests/parity/generate.py, in the given element type.
void expect_parity(torch::ScalarType type) {
  std::ifstream file(FLATENN_SOURCE_DIR "/tests/parity/quantizers.json");
  const nlohmann::json cases = nlohmann::json::parse(file);
  ASSERT_GE(cases.size(), 15u);
  for (const nlohmann::json& c : cases) {
    const auto tensor = [&](const char* key) {
      return torch::tensor(c[key].get<std::vector<double>>(), torch::kFloat32)
          .reshape(c["shape"].get<std::vector<std::int64_t>>())
          .to(type);
    };
    SCOPED_TRACE(c["kind"].get<std::string>() + " " + std::to_string(c["bits"].get<int>()));
    const Tensor x = leaf(tensor("x"));
    const Tensor step = leaf(torch::scalar_tensor(c["step"].get<double>(), type));
    const Tensor y = run(c["kind"], c["bits"], x, step);
    y.backward(tensor("g"));
    EXPECT_LT(largest_difference(y, tensor("y")), 1e-6);
    EXPECT_LT(largest_difference(x.grad(), tensor("gx")), 1e-6);
    const double gstep = step.grad().defined() ? step.grad().item<double>() : 0.0;
    EXPECT_NEAR(gstep, c["gstep"].get<double>(), 1e-5);
  }
}

TEST(FakeQuant, KernelsAgreeWithTorchsOwnGradients) { expect_parity(torch::kFloat32); }
TEST(FakeQuant, OperationsAgreeWithTorchsOwnGradients) { expect_parity(torch::kFloat64); }

RC_GTEST_PROP(FakeQuant, WeightsAreTheStoredValuesBitForBit, ()) {
  const auto quantizer = *rc::gen::element(WeightQuantizer::lsq, WeightQuantizer::saq,
                                           WeightQuantizer::robust, WeightQuantizer::symmetric);
  const WeightFormat format = format_of(quantizer, *rc::gen::inRange(2, 9));
  const int rows = *rc::gen::inRange(1, 40);
  const Tensor masters = random_tensor({rows, 3, 1, 1}, *rc::gen::arbitrary<std::uint64_t>());
  const Tensor step = torch::scalar_tensor(*rc::gen::inRange(1, 2000) * 1e-3f);
  const WeightGrid grid = weight_grid(masters, step, format);
  const Tensor values = fake_quantize_weights(masters, step, format, grid);
  std::vector<std::int8_t> codes(static_cast<std::size_t>(masters.numel()));
  quantize_weights({masters.data_ptr<float>(), codes.size()}, grid, format.code, codes);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    RC_ASSERT(values.data_ptr<float>()[i] == dequantize(codes[i], grid.scale, grid.offset));
  }
}

RC_GTEST_PROP(FakeQuant, ActivationKernelAgreesWithOperationsAtAnySize, ()) {
  const int samples = *rc::gen::inRange(1, 70);
  const int bits = *rc::gen::inRange(2, 9);
  const auto key = *rc::gen::arbitrary<std::uint64_t>();
  const bool relu = *rc::gen::arbitrary<bool>();
  const Tensor data = random_tensor({2, 1, 1, samples}, key);
  const Tensor upstream = random_tensor({2, 1, 1, samples}, key + 1);
  std::vector<Tensor> gradients;
  std::vector<Tensor> values;
  for (const auto type : {torch::kFloat32, torch::kFloat64}) {
    const Tensor x = leaf(data.to(type));
    // A power of two: both element types then round the same levels.
    const Tensor step = leaf(torch::scalar_tensor(0.125, type));
    Tensor loss;
    if (relu) {
      const FakeActivation y = fake_quantize_activation(x, step, bits, samples);
      values.push_back(y.values);
      RC_ASSERT(y.zeros == (y.values == 0).sum().item<std::int64_t>());
      loss = (y.values * upstream.to(type)).sum() + 0.3 * y.sum;
    } else {
      values.push_back(fake_quantize_signed(x, step, bits, samples));
      loss = (values.back() * upstream.to(type)).sum();
    }
    loss.backward();
    gradients.push_back(x.grad());
    gradients.push_back(step.grad().reshape({1}));
  }
  RC_ASSERT(largest_difference(values[0], values[1]) == 0.0);
  RC_ASSERT(largest_difference(gradients[0], gradients[2]) < 1e-6);
  RC_ASSERT(largest_difference(gradients[1], gradients[3]) < 1e-4);
}

TEST(FakeQuant, SumsPositivePartsAndPassesTheirGradient) {
  const Tensor x = leaf(torch::tensor({-1.0f, 0.0f, 0.01f, 2.0f, 100.0f}).reshape({5, 1, 1, 1}));
  const Tensor step = leaf(torch::scalar_tensor(1.0f));
  const FakeActivation y = fake_quantize_activation(x, step, 4, 1);
  EXPECT_EQ(y.zeros, 3);
  EXPECT_FLOAT_EQ(y.sum.item<float>(), 102.01f);
  y.sum.backward();
  const std::vector<float> expected = {0, 0, 1, 1, 1};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(x.grad().reshape({-1})[i].item<float>(), expected[i]);
}

TEST(FakeQuant, OperationsDifferentiateTwice) {
  const Tensor x = leaf(random_tensor({3, 1, 1, 4}, 5).to(torch::kFloat64));
  const Tensor step = leaf(torch::scalar_tensor(0.25, torch::kFloat64));
  const Tensor y = fake_quantize_activation(x, step, 4, 4).values;
  const Tensor first = torch::autograd::grad({y.pow(3).sum()}, {x}, {}, true, true)[0];
  const Tensor second = torch::autograd::grad({first.sum()}, {x})[0];
  EXPECT_LT(largest_difference(second, 6 * y * (y > 0) * (y < 3.75)), 1e-12);
}

TEST(FakeQuant, StepThatIsNotFiniteIsAnError) {
  const Tensor x = torch::ones({1, 1, 1, 1});
  const Tensor step = torch::scalar_tensor(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(fake_quantize_activation(x, step, 4, 1), Error);
  EXPECT_THROW(fake_quantize_signed(x, step, 4, 1), Error);
  EXPECT_THROW(weight_grid(x, step, format_of(WeightQuantizer::lsq, 4)), Error);
}

TEST(FakeQuant, DoesNotHideInputsThatAreNoNumber) {
  const Tensor x = torch::full({1, 1, 1, 40}, std::numeric_limits<float>::quiet_NaN());
  const FakeActivation y = fake_quantize_activation(x, torch::scalar_tensor(1.0f), 4, 40);
  EXPECT_TRUE(std::isnan(y.sum.item<float>()));
}

/// Values and gradients of both activations, gradients through values and the sum of positive
/// parts.
std::vector<Tensor> run_activations(const Tensor& data, const Tensor& upstream) {
  std::vector<Tensor> results;
  for (const bool relu : {true, false}) {
    const Tensor x = data.detach().requires_grad_();
    const Tensor step = leaf(torch::scalar_tensor(0.2f));
    Tensor y, loss;
    if (relu) {
      const FakeActivation activation = fake_quantize_activation(x, step, 4, x.size(3));
      y = activation.values;
      loss = (y * upstream).sum(torch::kFloat32) + 0.25 * activation.sum;
      results.push_back(torch::scalar_tensor(activation.zeros));
    } else {
      y = fake_quantize_signed(x, step, 4, x.size(3));
      loss = (y * upstream).sum(torch::kFloat32);
    }
    loss.backward();
    EXPECT_EQ(y.strides(), data.strides());
    EXPECT_EQ(x.grad().strides(), data.strides());
    EXPECT_EQ(step.grad().scalar_type(), torch::kFloat32);
    results.insert(results.end(), {y.detach(), x.grad(), step.grad()});
  }
  return results;
}

TEST(FakeQuant, ActivationsKeepChannelsLastAndTheirElements) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const Tensor x = random_tensor({5, 7, 3, 9}, 1).to(type);
    const Tensor g = random_tensor({5, 7, 3, 9}, 2).to(type);
    const auto channels_last = [](const Tensor& t) {
      return t.permute({3, 1, 2, 0}).contiguous().permute({3, 1, 2, 0});
    };
    ASSERT_FALSE(channels_last(x).is_contiguous());
    const std::vector<Tensor> expected = run_activations(x, g);
    const std::vector<Tensor> same_layout = run_activations(channels_last(x), channels_last(g));
    const std::vector<Tensor> mixed = run_activations(channels_last(x), g);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i].dim() > 0) {
        EXPECT_TRUE(torch::equal(expected[i], same_layout[i])) << i;
        EXPECT_TRUE(torch::equal(expected[i], mixed[i])) << i;
      } else {  // sums in another order
        EXPECT_NEAR(expected[i].item<float>(), same_layout[i].item<float>(), 1e-4) << i;
        EXPECT_EQ(same_layout[i].item<float>(), mixed[i].item<float>()) << i;
      }
    }
  }
}

}  // namespace
}  // namespace flatenn
