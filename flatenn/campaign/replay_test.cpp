#include "flatenn/campaign/replay.h"

#include <gtest/gtest.h>

#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

TEST(Replay, IsTheTrialOfTheCampaignInDetail) {
  NetworkOptions options;
  options.input = {1, 6, 6, 1.0f / 255, 0};
  options.hidden = {8};
  const Model network = random_model(mlp(options), 3);
  const CampaignModel model{"net", &network};
  const Dataset images = random_dataset(options.input, 200, 4);
  CampaignSettings settings;
  settings.kinds = {FaultKind::stuck1};
  settings.rates = {0.2};
  settings.maps = 5;
  settings.exposed = {"fc1.*"};
  const std::vector<Trial> trials = measure_trials(settings, model, images);
  settings.first_map = 3;
  const Replay replay = replay_trial(settings, model, images);
  EXPECT_EQ(replay.trial, trials.at(3));
  ASSERT_EQ(replay.tensors.size(), 2u);
  EXPECT_EQ(replay.tensors[0].name, "fc1.weight");
  EXPECT_EQ(replay.tensors[0].faulty, replay.trial.faulty_bits);
  EXPECT_EQ(replay.tensors[0].changed, replay.trial.changed_bits);
  EXPECT_EQ(replay.tensors[1].faulty, 0u);
  EXPECT_GT(replay.faults.size(), replay.trial.faulty_bits);  // those of fc2, unexposed
  std::int64_t gained = 0;
  for (const ChangedAnswer& answer : replay.answers) {
    EXPECT_EQ(answer.label, images.labels[answer.image]);
    EXPECT_NE(answer.clean, answer.faulty);
    gained += (answer.faulty == answer.label) - (answer.clean == answer.label);
  }
  EXPECT_EQ(static_cast<std::int64_t>(replay.trial.correct),
            static_cast<std::int64_t>(replay.clean_correct) + gained);
}

}  // namespace
}  // namespace flatenn
