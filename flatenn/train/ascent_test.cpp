#include "flatenn/train/ascent.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace flatenn {
namespace {

using torch::Tensor;

/// Two tensors with gradients of very different sizes, and spacings of their own.
std::vector<AscentMember> members() {
  return {{torch::tensor({3.0, -4.0}), torch::tensor({1.0, -2.0}), 0.5},
          {torch::tensor({0.0, 0.1, 0.2}), torch::tensor({0.3, 0.0, -0.1}), 0.1}};
}

double norm(const std::vector<Tensor>& tensors, const std::vector<double>& unit) {
  double squares = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    squares += (tensors[i] / unit[i]).square().sum().item<double>();
  }
  return std::sqrt(squares);
}

TEST(Ascent, WeightStepHasTheRadiusAndTheGradientsDirection) {
  const std::vector<Tensor> steps = ascent(members(), Metric::weight, 0.2, 0.01);
  EXPECT_NEAR(norm(steps, {1, 1}), 0.2, 1e-6);
  EXPECT_NEAR(steps[0][0].item<double>() / steps[0][1].item<double>(), -0.75, 1e-6);
  EXPECT_NEAR(steps[1][2].item<double>() / steps[0][0].item<double>(), 0.2 / 3, 1e-6);
}

TEST(Ascent, AdaptiveStepHasTheRadiusInUnitsOfTheWeights) {
  const double eta = 0.01;
  const std::vector<Tensor> steps = ascent(members(), Metric::adaptive, 0.2, eta);
  double squares = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor scale = members()[i].values.abs() + eta;
    squares += (steps[i] / scale).square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(squares), 0.2, 1e-6);
}

TEST(Ascent, MembersWithoutValuesMovePlainly) {
  std::vector<AscentMember> plain = members();
  for (AscentMember& member : plain) member.values = Tensor();
  const auto adaptive = ascent(plain, Metric::adaptive, 0.2, 0.01);
  const auto weight = ascent(members(), Metric::weight, 0.2, 0.01);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(adaptive[i].equal(weight[i]));
}

TEST(Ascent, CodeStepHasTheRadiusInLevels) {
  const std::vector<Tensor> steps = ascent(members(), Metric::code, 0.02, 0.01);
  EXPECT_NEAR(norm(steps, {0.5, 0.1}), 0.02 * std::sqrt(5.0), 1e-6);
  // d^2 g: the ratio of steps in two tensors.
  EXPECT_NEAR(steps[1][2].item<double>() / steps[0][0].item<double>(),
              0.1 * 0.1 * 0.2 / (0.5 * 0.5 * 3), 1e-6);
}

TEST(Ascent, CodePerLayerGivesEachLayerItsRadius) {
  const std::vector<Tensor> steps = ascent(members(), Metric::code_per_layer, 0.02, 0.01);
  EXPECT_NEAR(norm({steps[0]}, {0.5}), 0.02 * std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(norm({steps[1]}, {0.1}), 0.02 * std::sqrt(3.0), 1e-6);
}

TEST(Ascent, NoGradientNoStep) {
  for (const Metric metric :
       {Metric::weight, Metric::adaptive, Metric::code, Metric::code_per_layer}) {
    const std::vector<AscentMember> flat{{torch::zeros({4}), torch::ones({4}), 0.5}};
    EXPECT_TRUE(ascent(flat, metric, 1, 0.01)[0].equal(torch::zeros({4})));
  }
}

}  // namespace
}  // namespace flatenn
