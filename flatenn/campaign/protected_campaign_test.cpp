#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/replay.h"
#include "flatenn/campaign/store_check.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/fault_map_file.h"

// Campaigns on protected memories.

namespace flatenn {
namespace {

using testing::HasSubstr;

class ProtectedCampaignTest : public testing::Test {
 protected:
  ProtectedCampaignTest() {
    settings_.kinds = {FaultKind::flip, FaultKind::stuck};
    settings_.rates = {0.003, 0.03};
    settings_.maps = 3;
    settings_.threads = 1;
    settings_.engine = Engine::reference;
  }

  static NetworkOptions options() {
    NetworkOptions options;
    options.input = {1, 6, 6, 1.0f / 255, 0};
    options.hidden = {20};
    options.weights.code.bits = 8;
    return options;
  }

  void run(Store& store) const { run_campaign(settings_, models_, images_, "test", store); }
  Store store(const std::string& name) const { return Store::open(folder_ / name); }
  std::string error() const {
    try {
      check_campaign(settings_, models_, images_);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  Model model_ = random_model(mlp(options()), 3);
  Dataset images_ = random_dataset(options().input, 40, 4);
  std::vector<CampaignModel> models_ = {{"mlp", &model_}};
  CampaignSettings settings_;
};

TEST_F(ProtectedCampaignTest, AStoreHoldsProtectedAndUnprotectedCellsOfOneModel) {
  Store both = store("both.db");
  run(both);
  settings_.guard = "secded:64";
  run(both);
  settings_.headroom = 2;
  settings_.placement = "interleave:4";
  settings_.guard = "bound:1";
  run(both);
  const std::vector<Subject> subjects = both.subjects();
  ASSERT_EQ(subjects.size(), 3u);
  EXPECT_EQ(subjects[0].source, "");
  EXPECT_EQ(subjects[1].source, "cells | secded:64");
  EXPECT_EQ(subjects[2].source, "cells | headroom:2+interleave:4+bound:1");
  EXPECT_EQ(subjects[1].memory_bits, subjects[0].memory_bits * 9 / 8);  // words are whole here
  EXPECT_EQ(subjects[1].exposed_bits, subjects[1].memory_bits);
  EXPECT_EQ(subjects[2].memory_bits, subjects[0].memory_bits);
  EXPECT_EQ(subjects[0].clean_correct, subjects[1].clean_correct);
  for (const Subject& subject : subjects) EXPECT_EQ(subject_problem(subject), "");
  const auto plain = both.trials(subjects[0].key()), guarded = both.trials(subjects[1].key());
  ASSERT_EQ(plain.size(), guarded.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    // The cells of the codes meet the same faults; check cells come on top.
    EXPECT_GE(guarded[i].faulty_bits, plain[i].faulty_bits);
    if (plain[i].rate > 0.003) continue;
    EXPECT_LE(guarded[i].answers_changed, plain[i].answers_changed);
  }
}

TEST_F(ProtectedCampaignTest, ResultsDependOnNeitherThreadsNorEvaluator) {
  settings_.headroom = 2;
  settings_.placement = "interleave:4+rotate:2";
  settings_.guard = "tmr:1+secded:32:zero+bound:3";
  Store one = store("one.db");
  run(one);
  settings_.threads = 3;
  settings_.engine = Engine::int8;
  settings_.keep_prefix = false;
  Store other = store("other.db");
  run(other);
  const std::string key = one.subjects().at(0).key();
  EXPECT_EQ(one.trials(key), other.trials(key));

  settings_.kinds = {FaultKind::stuck};
  settings_.rates = {0.03};
  settings_.first_map = 2;
  const Replay replay = replay_trial(settings_, models_[0], images_);
  EXPECT_EQ(one.find_trial(key, replay.trial), replay.trial);
  EXPECT_EQ(replay.guard.struck, replay.trial.faulty_bits);
  EXPECT_EQ(replay.guard.changed, replay.trial.changed_bits);
  EXPECT_EQ(replay.tensors.back().name, "check cells");
  std::uint64_t faulty = 0, wrong = 0;
  for (const TensorFaults& tensor : replay.tensors) {
    faulty += tensor.faulty;
    wrong += tensor.changed;
  }
  EXPECT_EQ(faulty, replay.trial.faulty_bits);
  EXPECT_EQ(wrong, replay.guard.bits_wrong);
}

TEST_F(ProtectedCampaignTest, BuffersAreProtectedInEveryEvaluatorAlike) {
  settings_.memory = {"activations"};
  settings_.kinds = {FaultKind::flip};
  settings_.rates = {0.003};
  Store reference = store("reference.db");
  run(reference);
  settings_.guard = "secded:32";
  run(reference);
  settings_.guard = "tmr:2";
  settings_.placement = "rotate:1";
  settings_.kinds = {FaultKind::flip, FaultKind::stuck};
  run(reference);
  settings_.engine = Engine::int8;
  settings_.threads = 2;
  Store other = store("int8.db");
  run(other);
  const std::vector<Subject> subjects = reference.subjects();
  ASSERT_EQ(subjects.size(), 3u);
  for (const Subject& subject : subjects) EXPECT_EQ(subject_problem(subject), "");
  EXPECT_EQ(subjects[1].memory_bits, subjects[0].memory_bits + 3 * 7);  // 20 codes of 4 bits
  EXPECT_EQ(reference.trials(subjects[2].key()), other.trials(subjects[2].key()));
}

TEST_F(ProtectedCampaignTest, RefusesWhatDoesNotFitNamingBothSettings) {
  settings_.guard = "secded:60";
  EXPECT_THAT(error(), HasSubstr("guard: words of 60 bits (secded:60) are not filled by the 8-bit "
                                 "codes of fc1.weight (memory: weights)"));
  settings_.guard = "parity:64";
  settings_.source = "single";
  EXPECT_THAT(error(), HasSubstr("source: single cells"));
  EXPECT_THAT(error(), HasSubstr("guard say parity:64"));
  const std::uint64_t bits = MemoryLayout(model_).bits();
  write_fault_map_file(folder_ / "chip.map", {bits, {{5, true}}});
  settings_.source = "file:" + (folder_ / "chip.map").string();
  EXPECT_THAT(error(), HasSubstr("source and guard: the fault map file is for a memory of"));
  write_fault_map_file(folder_ / "chip.map", {bits / 64 * 65, {{5, true}}});
  EXPECT_EQ(error(), "accepted");
  settings_.source = "cells";
  settings_.memory = {"weights", "activations"};
  settings_.kinds = {FaultKind::flip, FaultKind::stuck1};
  EXPECT_THAT(error(), HasSubstr("kinds and guard: with stuck1 in activation buffers parity:64"));
  settings_.kinds = {FaultKind::flip};
  EXPECT_EQ(error(), "accepted");
  settings_.memory = {"weights"};
  settings_.guard = "";
  settings_.placement = "protect:9";
  EXPECT_THAT(error(), HasSubstr("placement: protect:9 asks for"));
  settings_.placement = "protect:2";
  settings_.exposed = {"*:top"};
  EXPECT_THAT(error(), HasSubstr("placement and exposed: protect:2 protects every cell"));
  settings_.exposed = {};
  settings_.headroom = 0;
  EXPECT_THAT(error(), HasSubstr("headroom: 0 is outside"));
}

}  // namespace
}  // namespace flatenn
