#include "flatenn/study/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/campaign/store.h"
#include "flatenn/data/dataset.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kStudy = R"(
seeds = [0, 1]
jobs = 2
[train]
dataset = "synthetic"
epochs = 1
batch = 64
sparsity.strength = 1e-4
optimizer.warmup_steps = 2
network.name = "mlp"
network.hidden = [16]
[[arm]]
name = "standard"
[[arm]]
name = "sparse"
sparse = true
[[arm]]
name = "sparse-saq-code"
sparse = true
metric = "code"
radius = 0.01
[campaign]
kinds = ["flip", "stuck1"]
rates = [0.01, 0.1]
maps = 3
images = 60
[validation]
maps = 2
images = 40
)";

/// What was worked on: tasks of trainings by name; stops at the first progress of `stop_at` that
/// leaves something to do.
class Watch : public Events {
 public:
  void progress(const Progress& progress) override {
    const std::lock_guard lock(mutex_);
    ++tasks_[progress.task];
    if (!stop_at.empty() && progress.task == stop_at && progress.done < progress.total) {
      stop.request_stop();
    }
  }
  std::vector<std::string> trainings() {
    std::vector<std::string> names;
    for (const auto& [name, count] : tasks_) {
      if (name.starts_with("train ")) names.push_back(name.substr(6));
    }
    return names;
  }
  Context context() { return {this, stop.get_token()}; }

  std::string stop_at;
  std::stop_source stop;

 private:
  std::mutex mutex_;
  std::map<std::string, int> tasks_;
};

class Study : public testing::Test {
 protected:
  static StudySettings settings(const std::vector<std::string>& overrides = {}) {
    StudySettings study;
    read_config_text(kStudy, "study.toml", overrides, [&](Binder& b) { bind(b, study); });
    return study;
  }
  std::uint64_t stored_trials() const {
    const Store store = Store::open_read_only(folder_ / "faults.db");
    std::uint64_t count = 0;
    for (const Subject& subject : store.subjects()) count += store.trials(subject.key()).size();
    return count;
  }
  std::string summary() const { return read_text_file(folder_ / "summary.json"); }

  TemporaryFolder folder_;
};

TEST_F(Study, LeavesEverythingAndASecondRunDoesNothing) {
  const StudySummary result = run_study(settings(), folder_.path());
  EXPECT_EQ(result.arms.size(), 6u);
  EXPECT_EQ(result.cells.size(), 4u);
  EXPECT_EQ(result.faulty.size(), 6u * 4);
  for (const ArmResult& arm : result.arms)
    EXPECT_TRUE(fs::exists(folder_ / arm.model)) << arm.model;
  for (const char* file : {"study.toml", "tables.txt", "arms.csv", "faulty.csv", "claims.csv",
                           "curves.svg", "validation.db", "faults.db"}) {
    EXPECT_TRUE(fs::exists(folder_ / file)) << file;
  }
  const auto json = nlohmann::json::parse(summary());
  EXPECT_EQ(json["arms"].size(), 6u);
  EXPECT_EQ(json["data"]["name"], "synthetic");
  EXPECT_EQ(json["data"]["test"], load_dataset("synthetic", Split::test).hash());
  EXPECT_EQ(json["claims_by_cell"].size(), 4u * 3) << "C1, and C2 and C4 in the code metric";
  EXPECT_EQ(stored_trials(), 6u * 4 * 3);

  const std::string before = summary();
  Watch watch;
  run_study(settings(), folder_.path(), watch.context());
  EXPECT_THAT(watch.trainings(), IsEmpty());
  EXPECT_EQ(summary(), before);
}

TEST_F(Study, AChangedArmAloneIsDoneAgain) {
  run_study(settings(), folder_.path());
  const auto before = nlohmann::json::parse(summary());
  Watch watch;
  run_study(settings({"arm.2.radius=0.03"}), folder_.path(), watch.context());
  EXPECT_THAT(watch.trainings(),
              UnorderedElementsAre("sparse-saq-code-seed0", "sparse-saq-code-seed1"));
  EXPECT_EQ(stored_trials(), 8u * 4 * 3) << "the new trials of the changed arm beside the old ones";
  const auto after = nlohmann::json::parse(summary());
  EXPECT_EQ(after["arms"].size(), 6u);
  EXPECT_EQ(after["faulty"][0], before["faulty"][0]);
  EXPECT_NE(after["faulty"].back(), before["faulty"].back());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "arms"), {}), 6);
}

TEST_F(Study, MoreMapsKeepTheOldTrials) {
  run_study(settings(), folder_.path());
  Watch watch;
  const StudySummary result =
      run_study(settings({"campaign.maps=5"}), folder_.path(), watch.context());
  EXPECT_THAT(watch.trainings(), IsEmpty());
  EXPECT_EQ(stored_trials(), 6u * 4 * 5);
  EXPECT_EQ(result.faulty.front().cell.maps, 5u);
}

TEST_F(Study, ProtectionsAreMeasuredBesideAndJudgeNothing) {
  run_study(settings(), folder_.path());
  const std::string before = summary();
  const std::string with = "protections=['secded:64', 'headroom:2+bound:1']";
  Watch interrupted;
  interrupted.stop_at = "campaign";
  EXPECT_THROW(run_study(settings({with}), folder_.path(), interrupted.context()), Interrupted);
  EXPECT_LT(stored_trials(), 3 * 6u * 4 * 3);
  Watch watch;
  run_study(settings({with}), folder_.path(), watch.context());
  EXPECT_THAT(watch.trainings(), IsEmpty());
  EXPECT_EQ(stored_trials(), 3 * 6u * 4 * 3);
  EXPECT_EQ(summary(), before);
  std::map<std::string, int> sources;
  for (const Subject& subject : Store::open_read_only(folder_ / "faults.db").subjects()) {
    EXPECT_EQ(subject.split, "test");
    ++sources[subject.source];
  }
  EXPECT_EQ(sources, (std::map<std::string, int>{
                         {"", 6}, {"cells | secded:64", 6}, {"cells | headroom:2+bound:1", 6}}));
  EXPECT_THAT(read_text_file(folder_ / "report.html"), HasSubstr("standard + secded:64"));
}

TEST_F(Study, InterruptedAndResumedGivesTheSameFiles) {
  const fs::path whole = folder_ / "whole", parts = folder_ / "parts";
  run_study(settings({"jobs=1"}), whole);
  Watch in_training;
  in_training.stop_at = "train sparse-seed1";
  EXPECT_THROW(run_study(settings(), parts, in_training.context()), Interrupted);
  Watch in_campaign;
  in_campaign.stop_at = "campaign";
  EXPECT_THROW(run_study(settings(), parts, in_campaign.context()), Interrupted);
  EXPECT_FALSE(fs::exists(parts / "summary.json"));
  run_study(settings(), parts);
  EXPECT_EQ(read_text_file(parts / "summary.json"), read_text_file(whole / "summary.json"));
  EXPECT_EQ(read_text_file(parts / "tables.txt"), read_text_file(whole / "tables.txt"));
  const std::string model = "arms/sparse-saq-code-seed1/model.safetensors";
  EXPECT_EQ(read_file(parts / model), read_file(whole / model))
      << "trained alone and beside another: the same bytes";
}

TEST_F(Study, MistakesShowBeforeTraining) {
  const auto error_of = [&](const std::vector<std::string>& overrides) -> std::string {
    Watch watch;
    try {
      run_study(settings(overrides), folder_.path(), watch.context());
    } catch (const Error& e) {
      EXPECT_THAT(watch.trainings(), IsEmpty());
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of({"campaign.images=100000000"}),
              HasSubstr("campaign.images: 100000000 asked"));
  EXPECT_THAT(error_of({"validation.images=61"}),
              HasSubstr("validation.images: 61 asked, but synthetic"));
  EXPECT_THAT(error_of({"train.dataset=mnits"}), HasSubstr("mnist"));
  EXPECT_THAT(error_of({"campaign.rates=[]"}), HasSubstr("rates"));
  EXPECT_THAT(error_of({"protections=['secded:63']"}), HasSubstr("not filled by the 4-bit codes"));
  EXPECT_THAT(error_of({"campaign.exposed=['conv9*']"}), HasSubstr("conv9"));
}

TEST_F(Study, ASecondRunBesideTheFirstIsRefused) {
  const Store held = Store::open(folder_ / "faults.db");
  EXPECT_THROW(run_study(settings(), folder_.path()), Error);
}

}  // namespace
}  // namespace flatenn
