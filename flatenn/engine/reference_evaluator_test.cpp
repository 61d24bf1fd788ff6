#include "flatenn/engine/reference_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "flatenn/engine/testing.h"
#include "flatenn/graph/dead_channels.h"

namespace flatenn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WeightFormat bits(int b) { return {WeightQuantizer::lsq, {b, Encoding::twos_complement, false}}; }

Dataset tiny_images(int channels, int height, int width, std::vector<std::uint8_t> pixels) {
  Dataset data;
  data.channels = channels;
  data.height = height;
  data.width = width;
  data.labels.resize(pixels.size() / data.image_bytes());
  data.images = std::move(pixels);
  return data;
}

/// 1x2x2 image -> conv 2@2x2 padding 1 -> 2-bit codes -> flatten -> linear 2 -> output.
Model small_model() {
  Model model;
  model.graph.nodes = {
      {"input", Input{1, 2, 2, 1.0f, 10}, {}},
      {"conv", Conv2d{1, 2, 2, 1, true, bits(4)}, {0}},
      {"act", Activation{2}, {1}},
      {"flatten", Flatten{}, {2}},
      {"fc", Linear{2, true, bits(4)}, {3}},
      {"output", Output{}, {4}},
  };
  model.weights = {
      {1, "conv.weight", {1, 1, 2, 2}, {4, Encoding::twos_complement, false}, 1, 0, {1, -2, 3, 4}},
      {4,
       "fc.weight",
       {2, 4},
       {4, Encoding::twos_complement, false},
       1,
       0,
       {1, 0, 0, 2, 0, 1, 2, 0}}};
  model.affine.resize(6);
  model.affine[1] = {{0.5f}, {}, {0.5f}};
  model.affine[4] = {{1.0f, -1.0f}, {}, {0.25f, 2.0f}};
  model.steps.assign(6, 1.0f);
  return model;
}

TEST(ReferenceEvaluator, ComputesByHand) {
  const Model model = small_model();
  // Codes 0, 1 / 1, -1 after the zero point 10; each corner of the kernel sees one pixel.
  const Dataset data = tiny_images(1, 2, 2, {10, 11, 11, 9});
  const auto evaluator = make_reference_evaluator(model, data);
  EXPECT_THAT(evaluator->trace(0, 0, 1).codes, ElementsAre(0, 1, 1, -1));
  // Sums: 4*0, 3*1, -2*1, 1*-1; v = 0.5*sum + 0.5 = 0.5, 2, -0.5, 0; half to even gives 0.
  EXPECT_THAT(evaluator->trace(2, 0, 1).codes, ElementsAre(0, 2, 0, 0));
  EXPECT_THAT(evaluator->trace(5, 0, 1).values, ElementsAre(0.25f, 0.0f));
  EXPECT_THAT(evaluator->trace(5, 0, 1).codes, IsEmpty());
}

TEST(ReferenceEvaluator, RoundsHalfToEvenAndClips) {
  Model model = small_model();
  model.affine[1] = {{0.5f}, {}, {0.0f}};
  // Last kernel position alone sees pixel 0: sums 4q, 3q, -2q, q.
  const Dataset data = tiny_images(1, 2, 2, {10, 11, 10, 13, 11, 13, 10, 10});
  const auto evaluator = make_reference_evaluator(model, data);
  EXPECT_THAT(evaluator->trace(2, 0, 1).codes, ElementsAre(0, 2, 0, 2));  // 0, 1.5, 0, 1.5
  EXPECT_THAT(evaluator->trace(2, 1, 1).codes, ElementsAre(2, 3, 0, 0));  // 2, 4.5, 0, 0
}

TEST(ReferenceEvaluator, WindowMultiplierSeesCodesLessTheZeroPoint) {
  Model model = small_model();
  model.affine[1] = {{0.0f}, {2.0f}, {0.0f}};
  const Dataset data = tiny_images(1, 2, 2, {10, 11, 9, 10});
  const auto evaluator = make_reference_evaluator(model, data);
  EXPECT_THAT(evaluator->trace(2, 0, 1).codes, ElementsAre(0, 2, 0, 0));
}

/// 2x1x2 image -> conv of one tap a channel -> 2 groups or 1 -> output codes.
Model normalising_model(int groups) {
  Model model;
  model.graph.nodes = {{"input", Input{2, 1, 2, 1.0f, 0}, {}},
                       {"conv", Conv2d{2, 1, 1, 0, true, bits(4)}, {0}},
                       {"norm", GroupNorm{groups, 9.0f}, {1}},
                       {"act", Activation{4}, {2}},
                       {"flatten", Flatten{}, {3}},
                       {"fc", Linear{1, true, bits(4)}, {4}},
                       {"output", Output{}, {5}}};
  const CodeFormat format = {4, Encoding::twos_complement, false};
  model.weights = {{1, "conv.weight", {2, 2, 1, 1}, format, 1, 0, {1, 0, 0, 1}},
                   {5, "fc.weight", {1, 4}, format, 1, 0, {1, 1, 1, 1}}};
  model.affine.resize(7);
  model.affine[1] = {{1.0f, 1.0f}, {}, {0.0f, 0.0f}};
  model.affine[2] = {{5.0f, -10.0f}, {}, {5.5f, 6.0f}};
  model.affine[5] = {{1.0f}, {}, {0.0f}};
  model.steps.assign(7, 1.0f);
  return model;
}

TEST(ReferenceEvaluator, NormalisesGroupsByHand) {
  // Channels 2, 10 and 1, 1. Alone: means 6 and 1, variances 16 and 0, with epsilon 25 and 9, so
  // the values are -4/5, 4/5 and 0, 0.
  const Dataset data = tiny_images(2, 1, 2, {2, 10, 1, 1});
  const Model alone = normalising_model(2);
  check_model(alone);
  const auto evaluator = make_reference_evaluator(alone, data);
  EXPECT_THAT(evaluator->trace(2, 0, 1).values,
              ElementsAre(-0.8f * 5 + 5.5f, 0.8f * 5 + 5.5f, 6, 6));
  EXPECT_THAT(evaluator->trace(3, 0, 1).codes, ElementsAre(2, 10, 6, 6));  // 1.5, 9.5: to even
  // Together: mean 3.5, squared distances 2.25 + 42.25 + 6.25 + 6.25 = 57, variance 14.25.
  const float gain = static_cast<float>(1 / std::sqrt(23.25));
  EXPECT_THAT(make_reference_evaluator(normalising_model(1), data)->trace(2, 0, 1).values,
              ElementsAre(-1.5f * gain * 5 + 5.5f, 6.5f * gain * 5 + 5.5f, -2.5f * gain * -10 + 6,
                          -2.5f * gain * -10 + 6));
}

TEST(ReferenceEvaluator, SumsOfANormalizationRunFromTheFirstChannel) {
  const Dataset data = tiny_images(1, 1, 1, {0, 30, 100});
  const Model model = order_sensitive_model();
  const auto evaluator = make_reference_evaluator(model, data);
  EXPECT_THAT(evaluator->trace(3, 0, 1).codes, ElementsAre(1, 0, 0));
  EXPECT_THAT(evaluator->trace(3, 1, 1).codes, ElementsAre(1, 0, 24));
  EXPECT_THAT(evaluator->trace(3, 2, 1).codes, ElementsAre(1, 0, 82));
}

TEST(ReferenceEvaluator, ShiftsOfANormalizationAreBiases) {
  const Dataset data = tiny_images(2, 1, 2, {2, 10, 1, 1});
  const Model model = normalising_model(2);
  const auto evaluator = make_reference_evaluator(model, data);
  const AddendWrite write{2, 1, 3.0f};
  evaluator->write_addends({&write, 1});
  EXPECT_THAT(evaluator->trace(3, 0, 1).codes, ElementsAre(2, 10, 3, 3));
}

TEST(ReferenceEvaluator, AddsAndPools) {
  Model model;
  model.graph.nodes = {
      {"input", Input{1, 2, 2, 1.0f, 1}, {}},
      {"max", MaxPool{2, 2}, {0}},
      {"average", AvgPool{2, 2}, {0}},
      {"quantize", Quantize{4}, {2}},
      {"add", Add{}, {1, 3}},
      {"output", Output{}, {4}},
  };
  model.affine.resize(6);
  model.affine[2].multiplier = {-1.5f};
  model.affine[4].multiplier = {2.0f, 0.5f};
  model.steps.assign(6, 1.0f);
  const Dataset data = tiny_images(1, 2, 2, {0, 2, 3, 2});
  const auto evaluator = make_reference_evaluator(model, data);
  EXPECT_THAT(evaluator->trace(1, 0, 1).codes, ElementsAre(2));
  EXPECT_THAT(evaluator->trace(3, 0, 1).codes, ElementsAre(-4));  // -1 + 1 + 2 + 1 = 3; -4.5
  EXPECT_THAT(evaluator->trace(5, 0, 1).values, ElementsAre(2.0f));
}

TEST(ReferenceEvaluator, TiesGoToTheLowestClass) {
  Model model = small_model();
  model.affine[4] = {{0.0f, 0.0f}, {}, {1.0f, 1.0f}};
  const Dataset data = tiny_images(1, 2, 2, {1, 2, 3, 4});
  std::uint8_t classes[1] = {9};
  make_reference_evaluator(model, data)->classify(0, 1, classes);
  EXPECT_EQ(classes[0], 0);
}

TEST(ReferenceEvaluator, WritesReachOneInstanceOnly) {
  const Model model = small_model();
  const Dataset data = tiny_images(1, 2, 2, {10, 11, 11, 9});
  const auto evaluator = make_reference_evaluator(model, data);
  const auto other = evaluator->clone();
  const CodeWrite write{1, 1, 7};
  other->write({&write, 1});
  EXPECT_THAT(evaluator->trace(5, 0, 1).values, ElementsAre(0.25f, 0.0f));
  EXPECT_THAT(other->trace(5, 0, 1).values, ElementsAre(14.25f, 0.0f));
}

TEST(ReferenceEvaluator, DeadChannelsAnswerAlikeWhenSilencedAndFeelNoFault) {
  int felt = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Model model = random_model(random_graph(seed), seed);
    std::vector<CodeWrite> writes;
    for (std::size_t t = 0; t < model.weights.size(); ++t) {
      WeightTensor& weights = model.weights[t];
      const auto each = static_cast<std::int64_t>(weights.codes.size()) / weights.shape[0];
      std::fill_n(weights.codes.begin(), each, std::int8_t{0});  // channel 0
      writes.push_back({static_cast<int>(t), each - 1, 1});
    }
    const auto& input = std::get<Input>(model.graph.nodes.front().op);
    const Dataset data = random_dataset(input, 2, seed);
    const int last = static_cast<int>(model.graph.nodes.size()) - 1;
    const auto loud = make_reference_evaluator(model, data);
    const Model silenced = silence_dead_channels(model);
    const auto silent = make_reference_evaluator(silenced, data);
    const std::vector<float> logits = loud->trace(last, 0, 2).values;
    EXPECT_EQ(silent->trace(last, 0, 2).values, logits) << seed;
    loud->write(writes);
    silent->write(writes);
    EXPECT_EQ(silent->trace(last, 0, 2).values, logits) << seed;
    felt += loud->trace(last, 0, 2).values != logits;
  }
  EXPECT_GT(felt, 20);
}

}  // namespace
}  // namespace flatenn
