#include "flatenn/memory/headroom.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

Model eight_bits(std::uint64_t seed) {
  NetworkOptions options{.input = {1, 8, 8, 0.1f, 60}, .activation_bits = 4};
  options.weights.code.bits = 8;
  return random_model(mlp(options), seed);
}

TEST(Headroom, OfOneIsTheNetworkItself) {
  const Model model = eight_bits(1);
  EXPECT_EQ(model_hash(with_headroom(model, 1)), model_hash(model));
  EXPECT_THROW(with_headroom(model, 0.5), Error);
  EXPECT_THROW(with_headroom(model, std::nan("")), Error);
}

RC_GTEST_PROP(Headroom, IsWhatWasAskedAndCodesMoveByHalfAStep, ()) {
  const Model model = eight_bits(*rc::gen::inRange<std::uint64_t>(0, 100));
  const double target = *rc::gen::element(1.5, 2.0, 3.0, 4.0, 10.0);
  const Model wider = with_headroom(model, target);
  check_model(wider);
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor &before = model.weights[t], &after = wider.weights[t];
    // The largest code is that of the exact quotient, rounded.
    const double exact = before.format.max_code() / target;
    const auto largest = std::ranges::max(after.codes, {}, [](int c) { return std::abs(c); });
    RC_ASSERT(std::abs(std::abs(largest) - exact) <= 0.5 + 1e-9);
    const double factor = after.scale / static_cast<double>(before.scale);
    for (std::size_t i = 0; i < before.codes.size(); ++i) {
      RC_ASSERT(std::abs(after.codes[i] * factor - before.codes[i]) <= 0.5 * factor + 1e-4);
    }
    const auto node = static_cast<std::size_t>(before.node);
    for (std::size_t c = 0; c < model.affine[node].multiplier.size(); ++c) {
      const double ratio = wider.affine[node].multiplier[c] / model.affine[node].multiplier[c];
      RC_ASSERT(std::abs(ratio / factor - 1) < 1e-6);
    }
    RC_ASSERT(wider.affine[node].addend == model.affine[node].addend);
  }
}

TEST(Headroom, ThatIsThereAlreadyStays) {
  const Model wide = with_headroom(eight_bits(3), 4);
  EXPECT_EQ(model_hash(with_headroom(wide, 2)), model_hash(wide));
  for (const WeightTensor& weights : wide.weights) EXPECT_NEAR(headroom(weights), 4, 0.1);
}

TEST(Headroom, OfZerosIsInfinite) {
  WeightTensor weights;
  weights.format = {8, Encoding::twos_complement};
  weights.codes = {0, 0};
  EXPECT_TRUE(std::isinf(headroom(weights)));
}

}  // namespace
}  // namespace flatenn
