#include "flatenn/campaign/campaign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
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
    std::filesystem::remove_all(folder_);
    make_folder(folder_);
    settings_.kinds = {FaultKind::flip, FaultKind::stuck1};
    settings_.rates = {0.01, 0.1};
    settings_.maps = 4;
    settings_.engine = Engine::reference;
    settings_.threads = 1;
    first_.info.float_accuracy = 12.5;
  }
  ~CampaignTest() override { std::filesystem::remove_all(folder_); }

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

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("flatenn_campaign_test_{}", getpid());
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
  Store whole = store("whole.db");
  run(whole);
  Store parts = store("parts.db");
  settings_.threads = 2;
  settings_.maps = 1;
  run(parts);
  settings_.maps = 4;
  settings_.kinds = {FaultKind::stuck1};
  run(parts);
  settings_.kinds = {FaultKind::stuck1, FaultKind::flip};
  run(parts);
  EXPECT_EQ(rows(parts), rows(whole));
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
  EXPECT_EQ(recorder.all.size(), 1u);
}

TEST_F(CampaignTest, AFinishedCampaignHasNothingToDo) {
  Store target = store("a.db");
  run(target);
  Recorder recorder;
  run(target, {&recorder, {}});
  ASSERT_EQ(recorder.all.size(), 1u);
  EXPECT_EQ(recorder.all[0].done, 32);
  EXPECT_EQ(recorder.all[0].total, 32);
  EXPECT_THAT(recorder.all[0].note, HasSubstr("worst "));
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

TEST(CampaignSettings, ReadAndWriteBack) {
  CampaignSettings settings;
  read_config_text("kinds = ['stuck', 'flip']\nrates = '1e-3..1e-1:3'\nmaps = 7\n", "x.toml",
                   {"engine=int8"}, [&](Binder& b) { bind(b, settings); });
  EXPECT_EQ(settings.kinds, (std::vector{FaultKind::stuck, FaultKind::flip}));
  EXPECT_EQ(settings.rates.size(), 3u);
  EXPECT_EQ(settings.maps, 7u);
  EXPECT_EQ(settings.engine, Engine::int8);
  const std::string text = write_config([&](Binder& b) { bind(b, settings); });
  CampaignSettings again;
  read_config_text(text, "again.toml", {}, [&](Binder& b) { bind(b, again); });
  EXPECT_EQ(write_config([&](Binder& b) { bind(b, again); }), text);
}

TEST(CampaignSettings, UnknownKindsAreErrors) {
  CampaignSettings settings;
  EXPECT_THROW(
      read_config_text("kinds = ['flop']", "x.toml", {}, [&](Binder& b) { bind(b, settings); }),
      Error);
}

}  // namespace
}  // namespace flatenn
