#include "flatenn/engine/int8_weights.h"

#include <gtest/gtest.h>

#include <memory>

#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn::int8 {
namespace {

std::shared_ptr<const Plan> plan_of(const Model& model, bool fuse = true) {
  return std::make_shared<Plan>(compile(model, *portable_kernels(), fuse));
}

/// Every code of every tensor.
void expect_codes(const PackedWeights& packed, const std::vector<WeightTensor>& tensors) {
  for (int t = 0; t < std::ssize(tensors); ++t) {
    for (std::int64_t e = 0; e < std::ssize(tensors[t].codes); ++e) {
      ASSERT_EQ(packed.get(t, e), tensors[t].codes[e]) << tensors[t].name << " " << e;
    }
  }
}

/// A channel's sum starts from minus the zero point times its weights.
void expect_biases(const PackedWeights& packed, const Plan& plan,
                   const std::vector<WeightTensor>& tensors) {
  for (int t = 0; t < std::ssize(tensors); ++t) {
    const std::int64_t channels = tensors[t].shape[0];
    const std::int64_t window = std::ssize(tensors[t].codes) / channels;
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      std::int32_t sum = 0;
      for (std::int64_t tap = 0; tap < window; ++tap) {
        sum += tensors[t].codes[channel * window + tap];
      }
      ASSERT_EQ(packed.bias(t)[channel], -plan.layer_of(t).zero_point * sum) << tensors[t].name;
    }
  }
}

TEST(Int8Weights, HoldEveryCodeAndItsShareOfTheZeroPoint) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Model model = random_model(random_graph(seed), seed);
    const auto plan = plan_of(model);
    const PackedWeights packed(plan);
    expect_codes(packed, model.weights);
    expect_biases(packed, *plan, model.weights);
  }
}

TEST(Int8Weights, PatchingACodeIsPackingItAnew) {
  Model model = random_model(random_graph(3), 3);
  const auto plan = plan_of(model);
  PackedWeights packed(plan);
  for (int t = 0; t < std::ssize(model.weights); ++t) {
    const std::int64_t last = std::ssize(model.weights[t].codes) - 1;
    for (const std::int64_t e : {std::int64_t{0}, last / 2, last}) {
      const std::int8_t code = model.weights[t].format.min_code();
      packed.set(t, e, code);
      packed.set(t, e, code);  // twice is once
      model.weights[t].codes[e] = code;
    }
  }
  expect_codes(packed, model.weights);
  expect_biases(packed, *plan, model.weights);
}

TEST(Int8Weights, HoldTheAddendsOfNormalizations) {
  NetworkOptions options;
  options.hidden = {6, 4};
  options.norm = Normalization::group;
  const Model model = random_model(mlp(options), 1);
  const auto plan = plan_of(model);
  PackedWeights packed(plan);
  const int norm = model.graph.find("fc2_gn");
  EXPECT_EQ(packed.norm_addend(1)[3], model.affine[norm].addend[3]);
  packed.set_norm_addend(1, 3, 5.0f);
  EXPECT_EQ(PackedWeights(packed).norm_addend(1)[3], 5.0f);
  PackedWeights other(plan);
  other.copy(packed);
  EXPECT_EQ(other.norm_addend(1)[3], 5.0f);
  EXPECT_EQ(other.norm_addend(1)[2], model.affine[norm].addend[2]);
  EXPECT_EQ(other.addend(1)[3], model.affine[model.graph.find("fc2")].addend[3]);
  EXPECT_THROW(packed.set_norm_addend(1, 4, 0.0f), InternalError);
  EXPECT_THROW(packed.set_norm_addend(2, 0, 0.0f), InternalError);  // the last layer has none
}

TEST(Int8Weights, CopiesAreDeep) {
  const Model model = random_model(random_graph(5), 5);
  const PackedWeights original(plan_of(model));
  PackedWeights copy(original);
  const auto code = static_cast<std::int8_t>(model.weights[0].codes[0] == 0 ? 1 : 0);
  copy.set(0, 0, code);
  copy.set_addend(0, 0, 123);
  EXPECT_EQ(original.get(0, 0), model.weights[0].codes[0]);
  EXPECT_NE(original.addend(0)[0], 123);
  EXPECT_EQ(copy.get(0, 0), code);
  EXPECT_EQ(copy.addend(0)[0], 123);
}

TEST(Int8Weights, GoOverToAnotherPlanOfTheModel) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Model model = random_model(random_graph(seed), seed);
    const auto other_plan = plan_of(model, false);
    PackedWeights from(plan_of(model)), to(other_plan);
    from.set(0, 0, model.weights[0].format.max_code());
    from.set_addend(0, 0, -7);
    to.copy(from);
    model.weights[0].codes[0] = static_cast<std::int8_t>(model.weights[0].format.max_code());
    expect_codes(to, model.weights);
    expect_biases(to, *other_plan, model.weights);
    EXPECT_EQ(to.addend(0)[0], -7);
  }
}

}  // namespace
}  // namespace flatenn::int8
