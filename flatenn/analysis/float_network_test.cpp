#include "flatenn/analysis/float_network.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "flatenn/analysis/testing.h"
#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// The definition's logits (count x classes) and the network's.
void expect_exact(const Model& model, const Dataset& images) {
  const auto reference = make_reference_evaluator(model, images);
  const int output = static_cast<int>(model.graph.nodes.size()) - 1;
  const NodeTrace expected = reference->trace(output, 0, images.size());
  const FloatNetwork network(model, images, Precision::single_);
  const torch::NoGradGuard guard;
  const Tensor logits = network.logits({}, 0, images.size()).contiguous();
  ASSERT_EQ(static_cast<std::size_t>(logits.numel()), expected.values.size());
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    ASSERT_EQ(logits.data_ptr<float>()[i], expected.values[i]) << "logit " << i;
  }
}

TEST(FloatNetwork, AtTheStoredWeightsItIsTheIntegerNetwork) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Model model = random_model(random_graph(seed), seed);
    const auto& input = std::get<Input>(model.graph.nodes.front().op);
    expect_exact(model, random_dataset(input, 7, seed));
  }
}

TEST(FloatNetwork, OfANormalisedNetworkIsTheIntegerNetworkAndDifferentiates) {
  for (const int bits : {2, 3, 4, 8}) {
    NetworkOptions options{.input = {3, 12, 12, 0.1f, 60}, .activation_bits = bits};
    options.weights.code.bits = bits;
    options.norm = Normalization::group;
    options.width = 0.05;
    const Model model = random_model(simplenet(options), 3);
    const Dataset images = random_dataset(options.input, 19, 1);
    expect_exact(model, images);
    const FloatNetwork single(model, images, Precision::single_);
    const FloatNetwork precise(model, images, Precision::double_);
    const std::vector<Tensor> gradient = precise.gradient({}, default_context());
    EXPECT_GT(norm(gradient), 0);
    EXPECT_LT(std::abs(single.evaluate({}, default_context()).loss -
                       precise.evaluate({}, default_context()).loss),
              0.05);
  }
}

TEST(FloatNetwork, SumsOfANormalizationKeepTheirOrder) {
  expect_exact(order_sensitive_model(), random_dataset({1, 1, 1}, 20, 1));
}

/// H v against the difference of gradients, where no rounding is in the way: two layers and the
/// normalization between them.
TEST(FloatNetwork, SecondDerivativesPassANormalization) {
  const WeightFormat weights = {.code = {.bits = 8}};
  Graph graph;
  graph.nodes = {{"input", Input{1, 6, 6, 0.01f, 0}, {}},
                 {"flatten", Flatten{}, {0}},
                 {"fc", Linear{12, true, weights}, {1}},
                 {"norm", GroupNorm{3, 0.1f}, {2}},
                 {"output", Output{}, {3}}};
  const Model model = random_model(graph, 2);
  Dataset images = random_dataset({1, 6, 6, 0.01f, 0}, 5, 1);
  const FloatNetwork network(model, images, Precision::double_);
  const std::vector<Tensor> direction{
      torch::sin(torch::arange(12 * 36, torch::kFloat64)).reshape({12, 36})};
  const double step = 1e-6 * model.weights[0].scale;
  std::vector<Tensor> difference = network.gradient(scaled(direction, step), default_context());
  add_scaled(difference, -1, network.gradient(scaled(direction, -step), default_context()));
  const std::vector<Tensor> product = network.hessian_times(direction, default_context());
  EXPECT_GT(norm(product), 0);
  EXPECT_LT(relative_difference(scaled(difference, 0.5 / step), product), 1e-4);
}

TEST(FloatNetwork, LossGradientAndCurvatureAreTorchs) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  EXPECT_NEAR(network.evaluate({}, default_context()).loss, c.expected["loss"].get<double>(),
              1e-12);
  EXPECT_LT(relative_difference(network.gradient({}, default_context()), c.tensors("gradient")),
            1e-12);
  const auto product = network.hessian_times(c.tensors("vector"), default_context());
  EXPECT_LT(relative_difference(product, c.tensors("product")), 1e-11);
}

TEST(FloatNetwork, SinglePrecisionIsNear) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  EXPECT_NEAR(network.evaluate({}, default_context()).loss, c.expected["loss"].get<double>(), 1e-6);
  EXPECT_LT(relative_difference(network.gradient({}, default_context()), c.tensors("gradient")),
            1e-5);
}

TEST(FloatNetwork, DisplacementsAreInWeights) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  std::vector<Tensor> direction = c.tensors("direction");
  const double loss = network.evaluate(scaled(direction, 0.5), default_context()).loss;
  EXPECT_NEAR(loss, c.expected["line"][2].get<double>(), 1e-12);
}

TEST(FloatNetwork, AFirstPartOfTheImages) {
  const ParityCase c;
  const FloatNetwork whole(c.model, c.images, Precision::double_);
  const Dataset part = c.images.slice(0, 7);
  const FloatNetwork alone(c.model, part, Precision::double_);
  EXPECT_EQ(whole.evaluate({}, default_context(), 7), alone.evaluate({}, default_context()));
  EXPECT_EQ(relative_difference(whole.gradient({}, default_context(), 7),
                                alone.gradient({}, default_context())),
            0);
}

TEST(FloatNetwork, AResidualNetworkDifferentiates) {
  NetworkOptions options;
  const Model model = random_model(fold_batch_norm(build_network("resnet20", options)), 3);
  const auto& input = std::get<Input>(model.graph.nodes.front().op);
  const Dataset images = random_dataset(input, 2, 1);
  expect_exact(model, images);
  const FloatNetwork network(model, images, Precision::double_);
  // Along its own direction the gradient is the loss's slope.
  const std::vector<Tensor> gradient = network.gradient({}, default_context());
  EXPECT_GT(norm(gradient), 0);
}

/// The same network with the channels between its layers in reverse order, which reverses sums.
Model reversed(const Model& model, Displacement& displacement) {
  Model other = model;
  std::int64_t inputs = 0;  // channels of the layer before
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    WeightTensor& weights = other.weights[t];
    const std::int64_t outputs = weights.shape[0];
    const bool last = t + 1 == model.weights.size();
    const auto turn = [&](const Tensor& rows) {
      Tensor turned = last ? rows : rows.flip(0);
      if (inputs > 0) turned = turned.reshape({outputs, inputs, -1}).flip(1);
      return turned.reshape(rows.sizes()).contiguous();
    };
    displacement[t] = turn(displacement[t]);
    const Tensor codes =
        turn(torch::from_blob(weights.codes.data(), displacement[t].sizes(), torch::kInt8));
    std::copy_n(codes.data_ptr<std::int8_t>(), weights.codes.size(), weights.codes.data());
    if (!last) {
      NodeAffine& affine = other.affine[static_cast<std::size_t>(weights.node)];
      std::ranges::reverse(affine.multiplier);
      std::ranges::reverse(affine.addend);
    }
    inputs = outputs;
  }
  return other;
}

TEST(FloatNetwork, AnswersDoNotDependOnTheOrderOfSums) {
  const Model model = random_model(lenet5({.input = {1, 28, 28}}), 1);
  const Dataset images = random_dataset({1, 28, 28}, 500, 1);
  const FloatNetwork network(model, images, Precision::single_);
  const torch::NoGradGuard guard;
  for (std::uint64_t index = 0; index < 6; ++index) {
    Displacement there;
    for (const Tensor& w : network.weights()) {
      RandomStream random(index, Purpose::test, there.size());
      there.push_back(torch::empty_like(w));
      for (std::int64_t i = 0; i < w.numel(); ++i) {
        there.back().data_ptr<float>()[i] =
            static_cast<float>(random.normal()) * model.weights[there.size() - 1].scale;
      }
    }
    Displacement turned = there;
    const Model other = reversed(model, turned);
    const Tensor logits = network.logits(there, 0, images.size());
    const Tensor same =
        FloatNetwork(other, images, Precision::single_).logits(turned, 0, images.size());
    const double scale = logits.abs().max().item<double>();
    EXPECT_LT((logits - same).abs().max().item<double>(), 1e-5 * scale) << index;
  }
}

TEST(FloatNetwork, StopsWhenAsked) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  std::stop_source stop;
  stop.request_stop();
  Context context = default_context();
  context.stop = stop.get_token();
  EXPECT_THROW(network.evaluate({}, context), Interrupted);
  EXPECT_THROW(network.gradient({}, context), Interrupted);
}

TEST(FloatNetwork, VectorArithmetic) {
  std::vector<Tensor> a{torch::tensor({1.0, 2.0}), torch::tensor({3.0})};
  const std::vector<Tensor> b{torch::tensor({-1.0, 1.0}), torch::tensor({0.5})};
  EXPECT_DOUBLE_EQ(dot(a, b), 2.5);
  EXPECT_DOUBLE_EQ(norm(a), std::sqrt(14.0));
  add_scaled(a, 2, b);
  EXPECT_TRUE(a[0].equal(torch::tensor({-1.0, 4.0})));
  EXPECT_TRUE(scaled(b, 4)[1].equal(torch::tensor({2.0})));
}

}  // namespace
}  // namespace flatenn
