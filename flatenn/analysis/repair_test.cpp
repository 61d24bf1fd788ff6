#include "flatenn/analysis/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "flatenn/analysis/testing.h"
#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

/// Mean and deviation of a node's values on the first images, from the reference evaluator.
ChannelMoments naive_moments(const Model& model, const Dataset& data, int node,
                             std::size_t images) {
  const auto evaluator = make_reference_evaluator(model, data);
  const std::vector<float> values = evaluator->trace(node, 0, images).values;
  const Shape shape = check_graph(model.graph)[static_cast<std::size_t>(node)].shape;
  const auto channels = static_cast<std::size_t>(shape.channels);
  const auto places = static_cast<std::size_t>(shape.elements()) / channels;
  ChannelMoments moments{node, std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < images; ++i) {
      for (std::size_t p = 0; p < places; ++p) {
        const double v = values[(i * channels + c) * places + p];
        sum += v;
        squares += v * v;
      }
    }
    const auto n = static_cast<double>(images * places);
    moments.mean[c] = sum / n;
    moments.deviation[c] = std::sqrt(squares / n - sum / n * (sum / n));
  }
  return moments;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Repair, MomentsAreThoseOfTheReferenceEvaluator) {
  const ParityCase parity;
  const std::size_t images = parity.images.size();
  const std::vector<ChannelMoments> found = channel_moments(parity.model, parity.images, images);
  ASSERT_EQ(found.size(), 1u);  // the last layer is left alone
  EXPECT_EQ(found[0].node, 1);
  const ChannelMoments expected = naive_moments(parity.model, parity.images, 1, images);
  expect_near(found[0].mean, expected.mean, 1e-4);
  expect_near(found[0].deviation, expected.deviation, 1e-3);
}

TEST(Repair, FaultyNetworkGetsTheMomentsThatItHad) {
  const ParityCase parity;
  const std::size_t images = parity.images.size();
  const std::vector<ChannelMoments> target = channel_moments(parity.model, parity.images, images);
  Model faulty = parity.model;
  for (std::size_t i = 0; i < faulty.weights[0].codes.size(); i += 5) {
    faulty.weights[0].codes[i] ^= 4;
  }
  const Model repaired = recalibrate(faulty, target, parity.images, images);
  EXPECT_EQ(repaired.weights[0].codes, faulty.weights[0].codes);
  EXPECT_NO_THROW(check_model(repaired));
  const ChannelMoments before = naive_moments(faulty, parity.images, 1, images);
  const ChannelMoments after = naive_moments(repaired, parity.images, 1, images);
  expect_near(after.mean, target[0].mean, 1e-3);
  expect_near(after.deviation, target[0].deviation, 1e-3);
  EXPECT_GT(std::abs(before.mean[0] - target[0].mean[0]), 0.1);
}

TEST(Repair, WithoutFaultsNothingChanges) {
  const ParityCase parity;
  const std::size_t images = parity.images.size();
  const Model same = recalibrate(parity.model, channel_moments(parity.model, parity.images, images),
                                 parity.images, images);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(same.affine[1].multiplier[c] / parity.model.affine[1].multiplier[c], 1, 1e-6);
    EXPECT_NEAR(same.affine[1].addend[c], parity.model.affine[1].addend[c], 1e-5);
  }
}

TEST(Repair, ConstantChannelsAreShiftedAlone) {
  const ParityCase parity;
  const std::size_t images = parity.images.size();
  Model dead = parity.model;
  dead.affine[1].multiplier[0] = 0;
  dead.affine[1].window_multiplier[0] = 0;
  const std::vector<ChannelMoments> target = channel_moments(parity.model, parity.images, images);
  const Model repaired = recalibrate(dead, target, parity.images, images);
  EXPECT_EQ(repaired.affine[1].multiplier[0], 0);
  EXPECT_NEAR(repaired.affine[1].addend[0], target[0].mean[0], 1e-4);
  EXPECT_NO_THROW(check_model(repaired));
}

class RepairTest : public testing::Test {
 protected:
  RepairTest() : model_(train(settings_, data_, folder_.path())) {
    campaign_.kinds = {FaultKind::flip};
    campaign_.rates = {0.02, 0.08};
    campaign_.maps = 4;
  }
  RepairResult measure(std::size_t images) const {
    return measure_repair(model_, campaign_, data_.validation, images, data_.test);
  }

  TrainSettings settings_ = testing_train::small_settings();
  TrainData data_ = load_train_data(settings_);
  TemporaryFolder folder_;
  Model model_;
  CampaignSettings campaign_;
};

TEST_F(RepairTest, FaultyAccuraciesAreTheCampaigns) {
  const RepairResult result = measure(60);
  EXPECT_NEAR(result.clean, model_.info.clean_accuracy, 1e-9);
  ASSERT_EQ(result.cells.size(), 2u);
  // The same map by hand.
  MemoryImage memory(model_);
  std::vector<Fault> faults;
  draw_fault_map(campaign_.seed, 1, memory.bits(), 0.08, faults);
  AppliedFaults applied;
  memory.apply(faults, FaultKind::flip, memory.expose_all(), applied);
  const auto evaluator = make_reference_evaluator(model_, data_.test);
  evaluator->write(applied.writes);
  EXPECT_EQ(result.cells[1].faulty[1], accuracy(*evaluator, data_.test));
  EXPECT_NEAR(result.clean_recalibrated, result.clean, 3);
}

TEST_F(RepairTest, MistakesAreErrors) {
  EXPECT_THROW(measure(1), Error);
  EXPECT_THROW(measure(data_.validation.size() + 1), Error);
  campaign_.memory = {"biases"};
  EXPECT_THROW(measure(50), Error);
}

}  // namespace
}  // namespace flatenn
