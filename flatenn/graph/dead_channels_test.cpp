#include "flatenn/graph/dead_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// 16 inputs, 6 and 10 channels.
Model small_model() {
  NetworkOptions options{.input = {1, 4, 4, 0.1f, 60}, .activation_bits = 4, .hidden = {6}};
  options.weights.code.bits = 4;
  return random_model(mlp(options), 1);
}

void kill(Model& model, std::size_t tensor, std::size_t channel) {
  auto& codes = model.weights[tensor].codes;
  const std::size_t each = codes.size() / static_cast<std::size_t>(model.weights[tensor].shape[0]);
  std::fill_n(codes.begin() + static_cast<std::ptrdiff_t>(channel * each), each, std::int8_t{0});
}

std::vector<float>& multipliers(Model& model, std::size_t tensor) {
  return model.affine[static_cast<std::size_t>(model.weights[tensor].node)].multiplier;
}

TEST(DeadChannels, AreThoseWithoutAStoredWeight) {
  Model model = small_model();
  EXPECT_TRUE(dead_channels(model).empty());
  EXPECT_EQ(largest_gain({}), 0);
  EXPECT_EQ(describe({}), "");
  kill(model, 0, 1);
  kill(model, 0, 4);
  kill(model, 1, 9);
  multipliers(model, 0) = {-0.5f, 3, 2, 0.25f, -8, 1};  // the others': 0.25, 0.5, 1, 2
  multipliers(model, 1).assign(10, 2);
  EXPECT_EQ(dead_channels(model), (std::vector<DeadChannels>{{0, {1, 4}, 8}, {1, {9}, 1}}));
  EXPECT_EQ(dead_channel_count(dead_channels(model)), 3u);
  EXPECT_EQ(largest_gain(dead_channels(model)), 8);
  EXPECT_THAT(describe(dead_channels(model)),
              AllOf(HasSubstr("3 channels"), HasSubstr("up to 8 times")));
}

TEST(DeadChannels, OneCodeIsEnoughToLive) {
  Model model = small_model();
  kill(model, 0, 5);
  model.weights[0].codes.back() = -1;
  EXPECT_TRUE(dead_channels(model).empty());
}

TEST(DeadChannels, ALayerOfNothingElseHasNoGain) {
  Model model = small_model();
  for (std::size_t c = 0; c < 6; ++c) kill(model, 0, c);
  EXPECT_EQ(dead_channels(model), (std::vector<DeadChannels>{{0, {0, 1, 2, 3, 4, 5}, 0}}));
  EXPECT_EQ(largest_gain(dead_channels(model)), std::numeric_limits<double>::infinity());
  EXPECT_THAT(describe(dead_channels(model)),
              AllOf(HasSubstr("6 channels"), HasSubstr("all that a layer passes on")));
}

TEST(DeadChannels, AreSilencedOnceAndTheRestStays) {
  Model model = small_model();
  kill(model, 0, 1);
  Model silent = silence_dead_channels(model);
  EXPECT_NO_THROW(check_model(silent));
  EXPECT_EQ(multipliers(silent, 0)[1], 0);
  EXPECT_TRUE(dead_channels(silent).empty());
  EXPECT_EQ(model_hash(silence_dead_channels(silent)), model_hash(silent));
  multipliers(silent, 0)[1] = multipliers(model, 0)[1];
  EXPECT_EQ(model_hash(silent), model_hash(model));
}

}  // namespace
}  // namespace flatenn
