#include "flatenn/campaign/campaign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

/// Keeps what a campaign tells.
class Recorder : public Events {
 public:
  void progress(const Progress& progress) override { all.push_back(progress); }
  void finished(std::string_view) override { ++ends; }
  std::vector<Progress> all;
  int ends = 0;
};

NetworkOptions network_options() {
  NetworkOptions options;
  options.input = {1, 6, 6, 1.0f / 255, 0};
  options.hidden = {8};
  return options;
}

class CampaignTest : public testing::Test {
 protected:
  CampaignTest() {
    settings_.kinds = {FaultKind::flip, FaultKind::stuck1};
    settings_.rates = {0.01, 0.1};
    settings_.maps = 4;
    settings_.engine = Engine::reference;
    settings_.threads = 1;
    first_.info.float_accuracy = 12.5;
  }

  Store store(const std::string& name) const { return Store::open(folder_ / name); }
  void run(Store& store, const Context& context = default_context()) const {
    run_campaign(settings_, models_, images_, "test", store, context);
  }
  std::string run_error() const {
    Store target = store("error.db");
    try {
      run(target);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::vector<std::vector<Trial>> rows(const Store& store) const {
    std::vector<std::vector<Trial>> rows;
    for (const Subject& subject : store.subjects()) rows.push_back(store.trials(subject.key()));
    return rows;
  }
  /// Runs the settings as they are, and in another store after each of `changes` to them: in the
  /// end both must hold the same. Returns the rows.
  std::vector<std::vector<Trial>> expect_same_in_parts(
      const std::vector<std::function<void()>>& changes) {
    Store whole = store("whole.db");
    run(whole);
    Store parts = store("parts.db");
    for (const auto& change : changes) {
      change();
      run(parts);
    }
    EXPECT_EQ(rows(parts), rows(whole));
    return rows(whole);
  }

  TemporaryFolder folder_;
  Model first_ = random_model(mlp(network_options()), 3);
  Model second_ = random_model(mlp(network_options()), 5);
  Dataset images_ = random_dataset(network_options().input, 100, 4);
  std::vector<CampaignModel> models_ = {{"first", &first_}, {"second", &second_}};
  CampaignSettings settings_;
};

TEST_F(CampaignTest, StoresEveryTrialOfEveryModel) {
  Store target = store("a.db");
  run(target);
  ASSERT_EQ(target.subjects().size(), 2u);
  const Subject subject = target.subjects()[0];
  EXPECT_EQ(subject.label, "first");
  EXPECT_EQ(subject.images, 100u);
  EXPECT_EQ(subject.float_accuracy, 12.5);
  EXPECT_EQ(subject.exposed_bits, subject.memory_bits);
  const auto evaluator = make_reference_evaluator(first_, images_);
  EXPECT_EQ(subject.clean_correct, count_correct(*evaluator, images_, 0, 100));
  EXPECT_EQ(target.trials(subject.key()).size(), 16u);
}

TEST_F(CampaignTest, ThreadsAndResumingDoNotChangeTheRows) {
  expect_same_in_parts({[&] { settings_.threads = 2, settings_.maps = 1; },
                        [&] { settings_.maps = 4, settings_.kinds = {FaultKind::stuck1}; },
                        [&] {
                          settings_.kinds = {FaultKind::stuck1, FaultKind::flip};
                        }});
}

TEST_F(CampaignTest, MeasuringWithoutAStoreGivesTheSameTrials) {
  Store target = store("a.db");
  run(target);
  EXPECT_EQ(measure_trials(settings_, models_[1], images_), rows(target)[1]);
}

TEST_F(CampaignTest, CleanClassesOfTheCallerGiveTheSameTrials) {
  std::vector<std::uint8_t> clean(images_.size());
  make_reference_evaluator(second_, images_)->classify(0, images_.size(), clean);
  EXPECT_EQ(measure_trials(settings_, models_[1], images_, default_context(), clean),
            measure_trials(settings_, models_[1], images_));
}

TEST_F(CampaignTest, PerImageResultsAreAddedToATrialStoredWithout) {
  Store whole = store("whole.db");
  settings_.per_image = true;
  run(whole);
  Store parts = store("parts.db");
  settings_.per_image = false;
  run(parts);
  const std::string key = whole.subjects()[0].key();
  EXPECT_TRUE(parts.trials(key, Answers::load)[0].right.empty());
  settings_.per_image = true;
  run(parts);
  EXPECT_EQ(parts.trials(key, Answers::load), whole.trials(key, Answers::load));
  EXPECT_FALSE(whole.trials(key, Answers::load)[0].right.empty());
  Recorder recorder;
  run(parts, {&recorder, {}});
  EXPECT_EQ(recorder.all.back().note, "");  // nothing was measured
}

TEST_F(CampaignTest, AFinishedCampaignHasNothingToDo) {
  Store target = store("a.db");
  run(target);
  Recorder recorder;
  run(target, {&recorder, {}});
  EXPECT_EQ(recorder.all.back().done, 32);
  EXPECT_EQ(recorder.all.back().total, 32);
  EXPECT_EQ(recorder.all.back().note, "");  // nothing was measured
  EXPECT_EQ(recorder.ends, 1);
}

TEST_F(CampaignTest, ProgressEndsAtTheTotal) {
  Store target = store("a.db");
  Recorder recorder;
  run(target, {&recorder, {}});
  EXPECT_EQ(recorder.all.front().done, 0);
  EXPECT_EQ(recorder.all.back().done, 32);
}

TEST_F(CampaignTest, AStopIsInterruptedAndKeepsTheStoreWhole) {
  std::stop_source stop;
  stop.request_stop();
  Recorder recorder;
  Store target = store("a.db");
  EXPECT_THROW(run(target, {&recorder, stop.get_token()}), Interrupted);
  EXPECT_TRUE(target.subjects().empty());
  run(target);
  EXPECT_EQ(rows(target).size(), 2u);
}

TEST_F(CampaignTest, ExposesWhatTheSettingsName) {
  const std::string tensor = first_.weights.front().name;
  settings_.exposed = {tensor};
  Store target = store("a.db");
  run(target);
  const Subject subject = target.subjects()[0];
  EXPECT_EQ(subject.exposure, tensor);
  EXPECT_EQ(subject.exposed_bits, MemoryImage(first_).tensors()[0].bits());
  EXPECT_LT(subject.exposed_bits, subject.memory_bits);
  for (const Trial& trial : target.trials(subject.key())) {
    EXPECT_LE(trial.faulty_bits, subject.exposed_bits);
  }
}

TEST_F(CampaignTest, MistakesAreOneClearLine) {
  models_[1].label = "first";
  EXPECT_EQ(run_error(), "two models are called 'first'");
  models_[1].label = "second";
  settings_.images = 101;
  EXPECT_THAT(run_error(), HasSubstr("images: 101 asked, but data set"));
  settings_.images = 0;
  settings_.rates = {0.1, 1.5};
  EXPECT_EQ(run_error(), "rates: 1.5 is outside [0, 1]");
  settings_.rates = {0.1, 0.1};
  EXPECT_EQ(run_error(), "rates: 0.1 is listed twice");
  settings_.rates = {0.1};
  settings_.kinds = {};
  EXPECT_EQ(run_error(), "kinds: the list is empty");
  settings_.kinds = {FaultKind::flip};
  settings_.maps = 0;
  EXPECT_THAT(run_error(), HasSubstr("maps: at least one"));
  settings_.maps = 1;
  images_ = random_dataset({1, 5, 5, 1.0f / 255, 0}, 10, 1);
  EXPECT_THAT(run_error(), HasSubstr("reads 1x6x6 images, but data set"));
  models_.clear();
  EXPECT_THAT(run_error(), HasSubstr("at least one model"));
}

TEST_F(CampaignTest, AnInterruptedSequentialCampaignEndsAsAnUndisturbedOne) {
  settings_.until = 12;
  settings_.max_maps = 60;
  const auto all = expect_same_in_parts({[&] { settings_.until = 0, settings_.maps = 9; },
                                         [&] { settings_.until = 12, settings_.threads = 2; }});
  ASSERT_EQ(all.size(), 2u);
  const std::vector<Trial>& trials = all[0];
  EXPECT_GT(trials.size(), 4u * 16);
  EXPECT_LT(trials.size(), 4u * 60);
}

TEST_F(CampaignTest, PartsHoldTheWholeBetweenThem) {
  Store whole = store("whole.db");
  run(whole);
  std::vector<std::vector<Trial>> merged(2);
  for (int i = 0; i < 3; ++i) {
    Store part = store(fmt::format("part{}.db", i));
    run_campaign(settings_, models_, images_, "test", part, default_context(), {i, 3, 1});
    for (int m = 0; m < 2; ++m) {
      const std::vector<Trial> trials = part.trials(whole.subjects()[m].key());
      merged[m].insert(merged[m].end(), trials.begin(), trials.end());
    }
  }
  for (std::vector<Trial>& trials : merged) {
    std::ranges::sort(trials, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  }
  EXPECT_EQ(merged, rows(whole));
}

TEST_F(CampaignTest, ASweepExposesEveryPartAlone) {
  settings_.sweep = Sweep::layers;
  Store layers = store("layers.db");
  run(layers);
  std::vector<std::string> exposures;
  std::uint64_t exposed = 0;
  for (const Subject& subject : layers.subjects()) {
    exposures.push_back(subject.exposure);
    exposed += subject.exposed_bits;
  }
  EXPECT_THAT(exposures,
              testing::ElementsAre("fc1.weight", "fc2.weight", "fc1.weight", "fc2.weight"));
  EXPECT_EQ(exposed, 2 * MemoryImage(first_).bits());

  settings_.sweep = Sweep::bits;
  settings_.exposed = {"fc2.*"};
  Store bits = store("bits.db");
  run(bits);
  ASSERT_EQ(bits.subjects().size(), 8u);
  EXPECT_EQ(bits.subjects()[3].exposure, "fc2.*:3");
  EXPECT_EQ(bits.subjects()[3].exposed_bits, 80u);
}

TEST_F(CampaignTest, KeepingThePrefixChangesNothing) {
  settings_.engine = Engine::int8;
  settings_.exposed = {"fc2.*"};
  settings_.rates = {0.2};
  Store kept = store("kept.db");
  run(kept);
  settings_.keep_prefix = false;
  Store computed = store("computed.db");
  run(computed);
  EXPECT_EQ(rows(kept), rows(computed));
}

TEST_F(CampaignTest, SingleBitsOfSeveralLayersAreTrialsOfTheirOwn) {
  settings_.engine = Engine::int8;
  settings_.source = "single";
  settings_.kinds = {FaultKind::flip};
  settings_.exposed = {"*:top"};
  Store target = store("single.db");
  run(target);
  const std::vector<Trial> trials = rows(target)[0];
  EXPECT_EQ(trials.size(), MemoryImage(first_).bits() / 4);
  for (const Trial& trial : trials) {
    EXPECT_EQ(trial.rate, 0);
    EXPECT_EQ(trial.changed_bits, 1u);
  }
  EXPECT_EQ(target.subjects()[0].source, "single");
}

TEST_F(CampaignTest, AChangedModelIsRefusedWithBothHashes) {
  Store target = store("a.db");
  run(target);
  check_unchanged(models_, target);
  const std::string before = model_hash(first_);
  first_.weights[0].codes[0] ^= 1;
  try {
    check_unchanged(models_, target);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'first' has changed"));
    EXPECT_THAT(error.what(), HasSubstr(before));
    EXPECT_THAT(error.what(), HasSubstr(model_hash(first_)));
  }
}

TEST_F(CampaignTest, SettingsThatContradictEachOtherAreRefused) {
  settings_.sample = 5;
  EXPECT_THAT(run_error(), HasSubstr("sample: counts single cells"));
  settings_.sample = 0;
  settings_.source = "single";
  settings_.until = 1;
  EXPECT_THAT(run_error(), HasSubstr("until: a source without a rate"));
  settings_.until = 0;
  settings_.source = "burst:x";
  EXPECT_THAT(run_error(), HasSubstr("burst"));
  settings_.source = "cells";
  settings_.sweep = Sweep::bits;
  settings_.exposed = {"*:1"};
  EXPECT_THAT(run_error(), HasSubstr("exposed: a sweep chooses"));
}

TEST_F(CampaignTest, EveryMemoryCanBeExposedAloneAndTogether) {
  std::vector<std::uint64_t> exposed;
  for (const std::vector<std::string>& memory : std::vector<std::vector<std::string>>{
           {"weights"}, {"biases"}, {"activations"}, {"weights", "biases", "activations"}}) {
    settings_.memory = memory;
    settings_.engine = Engine::reference;
    Store slow = store(fmt::format("slow{}.db", exposed.size()));
    run(slow);
    settings_.engine = Engine::int8;
    Store fast = store(fmt::format("fast{}.db", exposed.size()));
    run(fast);
    EXPECT_EQ(rows(fast), rows(slow)) << memory[0];
    exposed.push_back(slow.subjects()[0].exposed_bits);
  }
  EXPECT_EQ(exposed[0] + exposed[1] + exposed[2], exposed[3]);
  EXPECT_EQ(exposed[1], 18u * 16);  // 8 hidden units and 10 classes
}

TEST_F(CampaignTest, WeightsMeetTheSameFaultsWhateverElseIsExposed) {
  settings_.memory = {"weights", "biases"};
  settings_.exposed = {"*.weight"};
  Store both = store("both.db");
  run(both);
  settings_.memory = {"weights"};
  Store weights = store("weights.db");
  run(weights);
  for (std::size_t i = 0; i < rows(weights)[0].size(); ++i) {
    EXPECT_EQ(rows(both)[0][i].changed_bits, rows(weights)[0][i].changed_bits);
  }
}

}  // namespace
}  // namespace flatenn
