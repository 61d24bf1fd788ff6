#include "flatenn/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/base/writer_lock.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_train::small_settings;

const TrainData& small_data() {
  static const TrainData data = load_train_data(small_settings());
  return data;
}

std::vector<std::byte> model_bytes(const std::filesystem::path& folder) {
  return read_file(folder / "model.safetensors");
}

std::vector<nlohmann::json> log_lines(const std::filesystem::path& folder) {
  std::istringstream log(read_text_file(folder / "log.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(log, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// Counts finished epochs and asks to stop after some of them.
class StopAfter : public Events {
 public:
  explicit StopAfter(int epochs) : left_(epochs) {}
  void record(std::string_view) override {
    if (--left_ == 0) source_.request_stop();
  }
  Context context() { return {this, source_.get_token()}; }

 private:
  std::atomic<int> left_;
  std::stop_source source_;
};

TEST(Trainer, LearnsAndTellsWhatItDid) {
  const TemporaryFolder folder;
  const TrainSettings settings = small_settings();
  const Model model = train(settings, small_data(), folder / "run");
  EXPECT_GT(model.info.clean_accuracy, 60);  // 10 classes
  EXPECT_GT(model.info.float_accuracy, 60);
  EXPECT_GT(model.info.sparsity, 40);
  EXPECT_EQ(model.info.name, "mlp-sparse-saq-code seed 0");
  EXPECT_EQ(nlohmann::json::parse(model.info.recipe)["plan"]["radius"], 0.02);
  int epoch = 0;
  double loss = 1e9;
  for (const nlohmann::json& record : log_lines(folder / "run")) {
    EXPECT_EQ(record["epoch"], ++epoch);
    EXPECT_LT(record["loss"], loss);
    loss = record["loss"];
  }
  EXPECT_EQ(epoch, settings.epochs);
  EXPECT_EQ(serialize_model(load_model(folder / "run" / "model.safetensors")),
            serialize_model(model));
}

TEST(Trainer, InterruptedAfterAnyEpochResumesToTheSameBytes) {
  const TemporaryFolder folder;
  train(small_settings(), small_data(), folder / "whole");
  for (int epochs = 1; epochs < small_settings().epochs; ++epochs) {
    const std::filesystem::path run = folder / ("run" + std::to_string(epochs));
    StopAfter events(epochs);
    EXPECT_THROW(train(small_settings(), small_data(), run, events.context()), Interrupted);
    EXPECT_FALSE(std::filesystem::exists(run / "model.safetensors"));
    train(small_settings(), small_data(), run);
    EXPECT_EQ(model_bytes(run), model_bytes(folder / "whole")) << epochs;
  }
}

TEST(Trainer, FloatEpochsArePlainAndEndAtTheirCount) {
  const TemporaryFolder folder;
  TrainSettings settings = small_settings();
  settings.network.norm = Normalization::batch;
  settings.float_epochs = 2;
  settings.plan.radius_warmup = 0.5;
  const Model whole = train(settings, small_data(), folder / "whole");
  EXPECT_GT(whole.info.clean_accuracy, 60);
  EXPECT_NEAR(whole.info.clean_accuracy, whole.info.float_accuracy, 10);
  const auto lines = log_lines(folder / "whole");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(lines[i]["radius"], i < 2 ? 0 : 0.02) << i;
    EXPECT_EQ(lines[i]["sparsity"] == 0, i < 2) << i;
    EXPECT_EQ(lines[i]["sparsity_strength"], settings.sparsity.strength) << i;
  }
  for (int epochs = 1; epochs < settings.epochs; ++epochs) {
    const std::filesystem::path run = folder / ("run" + std::to_string(epochs));
    StopAfter events(epochs);
    EXPECT_THROW(train(settings, small_data(), run, events.context()), Interrupted);
    train(settings, small_data(), run);
    EXPECT_EQ(model_bytes(run), model_bytes(folder / "whole")) << epochs;
  }
}

/// Every defence with a state or draws of its own.
TEST(Trainer, DefencesLearnAndResumeToTheSameBytes) {
  const TemporaryFolder folder;
  for (const StepPlanKind kind : {StepPlanKind::random_bit_error, StepPlanKind::ascent_and_errors,
                                  StepPlanKind::worse_of_both}) {
    for (const AveragingKind averaging : {AveragingKind::swa, AveragingKind::ema}) {
      const std::string name = fmt::format("{}-{}", static_cast<int>(kind), int(averaging));
      SCOPED_TRACE(name);
      TrainSettings settings = small_settings();
      settings.network.norm = Normalization::batch;
      settings.plan.kind = kind;
      settings.plan.radius = takes_ascent(kind) ? 0.02 : 0;
      settings.plan.errors.rate = 0.01;
      settings.plan.errors.start_loss = 10;
      settings.averaging = {averaging, 0.3, 0.95};
      const Model model = train(settings, small_data(), folder / (name + "-whole"));
      EXPECT_GT(model.info.clean_accuracy, 50);
      StopAfter events(2);
      EXPECT_THROW(train(settings, small_data(), folder / name, events.context()), Interrupted);
      train(settings, small_data(), folder / name);
      EXPECT_EQ(model_bytes(folder / name), model_bytes(folder / (name + "-whole")));
    }
  }
}

TrainSettings convolutional_settings(TrainPrecision precision) {
  TrainSettings settings = small_settings();
  settings.network.name = "lenet5";
  settings.network.norm = Normalization::batch;
  settings.precision = precision;
  return settings;
}

/// Where the processor lacks bfloat16 it must be refused, before any file is written.
bool refused_here(const std::filesystem::path& folder) {
  if (multiplies_bfloat16()) return false;
  EXPECT_THROW(train(convolutional_settings(TrainPrecision::bfloat16), small_data(), folder),
               Error);
  EXPECT_FALSE(std::filesystem::exists(folder));
  return true;
}

/// What is deployed is exact in both; training rounds in one.
TEST(Trainer, Bfloat16LearnsAsWellAsFloat32) {
  const TemporaryFolder folder;
  if (refused_here(folder / "half")) return;
  const Model wide =
      train(convolutional_settings(TrainPrecision::float32), small_data(), folder / "wide");
  const Model half =
      train(convolutional_settings(TrainPrecision::bfloat16), small_data(), folder / "half");
  EXPECT_GT(wide.info.clean_accuracy, 80);
  EXPECT_NEAR(half.info.clean_accuracy, wide.info.clean_accuracy, 5);
  EXPECT_NE(model_bytes(folder / "half"), model_bytes(folder / "wide"));
  EXPECT_EQ(nlohmann::json::parse(half.info.recipe)["precision"], "bfloat16");

  // The log says what rounding alone costs, where there is any.
  const std::string key = "validation_accuracy_bfloat16";
  for (const auto& line : log_lines(folder / "half")) {
    EXPECT_NEAR(line.at(key).get<double>(), line.at("validation_accuracy").get<double>(), 2);
  }
  for (const auto& line : log_lines(folder / "wide")) EXPECT_FALSE(line.contains(key));
}

TEST(Trainer, Bfloat16ResumesToTheSameBytesAlsoBesideOthers) {
  const TemporaryFolder folder;
  if (refused_here(folder / "run")) return;
  TrainSettings settings = convolutional_settings(TrainPrecision::bfloat16);
  settings.optimizer.muon_rate = 0.03;
  train(settings, small_data(), folder / "whole");
  StopAfter events(1);
  EXPECT_THROW(train(settings, small_data(), folder / "run", events.context()), Interrupted);
  std::thread other([&] { train(settings, small_data(), folder / "other"); });
  train(settings, small_data(), folder / "run");
  other.join();
  EXPECT_EQ(model_bytes(folder / "run"), model_bytes(folder / "whole"));
  EXPECT_EQ(model_bytes(folder / "other"), model_bytes(folder / "whole"));
}

TEST(Trainer, RefusesExposingNothingBeforeAnyFileIsWritten) {
  const TemporaryFolder folder;
  TrainSettings settings = small_settings();
  settings.plan.kind = StepPlanKind::ascent_and_errors;
  settings.plan.errors.rate = 0.01;
  settings.plan.errors.expose = {"conv*"};
  EXPECT_THROW(train(settings, small_data(), folder / "run"), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

/// Kills the process as soon as an epoch is recorded.
class KillAfter : public Events {
 public:
  explicit KillAfter(int epochs) : left_(epochs) {}
  void record(std::string_view) override {
    if (--left_ == 0) std::raise(SIGKILL);
  }

 private:
  int left_;
};

TEST(Trainer, KilledTrainingResumesToTheSameBytes) {
  const TemporaryFolder folder;
  train(small_settings(), small_data(), folder / "whole");
  const pid_t child = fork();
  if (child == 0) {
    KillAfter events(2);
    train(small_settings(), small_data(), folder / "run", {&events, {}});
    std::_Exit(0);  // not reached
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "model.safetensors"));
  train(small_settings(), small_data(), folder / "run");
  EXPECT_EQ(model_bytes(folder / "run"), model_bytes(folder / "whole"));
}

TEST(Trainer, SideBySideLeavesTheSameBytesAsAlone) {
  const TemporaryFolder folder;
  train(small_settings(), small_data(), folder / "alone");
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      TrainSettings settings = small_settings();
      if (i == 2) settings.seed = 1;  // another training among them
      train(settings, small_data(), folder / ("run" + std::to_string(i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(model_bytes(folder / "run0"), model_bytes(folder / "alone"));
  EXPECT_EQ(model_bytes(folder / "run1"), model_bytes(folder / "alone"));
  EXPECT_NE(model_bytes(folder / "run2"), model_bytes(folder / "alone"));
}

TEST(Trainer, FinishedFolderReturnsItsModelAtOnce) {
  const TemporaryFolder folder;
  const Model model = train(small_settings(), small_data(), folder / "run");
  std::filesystem::remove(folder / "run" / "checkpoint.safetensors");
  const Model again = train(small_settings(), small_data(), folder / "run");
  EXPECT_EQ(serialize_model(again), serialize_model(model));
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "checkpoint.safetensors"));
}

TEST(Trainer, WarnsOfLoudDeadChannelsOnly) {
  const TemporaryFolder folder;
  class Watch : public Events {
   public:
    void warning(std::string_view line) override { lines += line; }
    std::string lines;
  } events;
  Model model = train(small_settings(), small_data(), folder / "run", {&events, {}});
  EXPECT_EQ(events.lines, "");
  const auto warned = [&] {
    events.lines.clear();
    save_model(model, folder / "run" / "model.safetensors");
    train(small_settings(), small_data(), folder / "run", {&events, {}});
    return events.lines;
  };
  WeightTensor& weights = model.weights.front();
  const auto each = weights.codes.size() / static_cast<std::size_t>(weights.shape.front());
  std::fill_n(weights.codes.begin(), each, std::int8_t{0});
  float& multiplier = model.affine[static_cast<std::size_t>(weights.node)].multiplier.front();
  EXPECT_EQ(warned(), "");  // one scale a layer
  multiplier *= 100;
  EXPECT_THAT(warned(), AllOf(HasSubstr("run: 1 channel "), HasSubstr("100 times"),
                              HasSubstr("flatenn silence")));
  std::ranges::fill(weights.codes, std::int8_t{0});
  EXPECT_THAT(warned(), HasSubstr("all that a layer passes on"));
}

std::string complaint(const TrainSettings& settings, const std::filesystem::path& folder) {
  try {
    train(settings, small_data(), folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Trainer, FolderOfOtherSettingsIsAnError) {
  const TemporaryFolder folder;
  train(small_settings(), small_data(), folder / "run");
  TrainSettings other = small_settings();
  other.epochs = 4;
  EXPECT_THAT(complaint(other, folder / "run"), HasSubstr("other settings"));
}

TEST(Trainer, OneTrainingAFolder) {
  const TemporaryFolder folder;
  StopAfter one(1);
  EXPECT_THROW(train(small_settings(), small_data(), folder / "run", one.context()), Interrupted);
  {
    const WriterLock other(folder / "run" / "training", "training");
    EXPECT_THAT(complaint(small_settings(), folder / "run"),
                HasSubstr("another program is writing this training"));
  }
  EXPECT_EQ(complaint(small_settings(), folder / "run"), "");
}

TEST(Trainer, DivergenceNamesEpochStepAndCause) {
  const TemporaryFolder folder;
  TrainSettings settings = small_settings();
  settings.optimizer.learning_rate = 1e30;
  const std::string line = complaint(settings, folder / "run");
  EXPECT_THAT(line, HasSubstr("epoch 1, step "));
  EXPECT_THAT(line, HasSubstr("optimizer.learning_rate"));
  EXPECT_THAT(line, HasSubstr("plan.radius"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "model.safetensors"));
}

TEST(Trainer, RefusesBeforeItLeavesAnything) {
  const TemporaryFolder folder;
  TrainSettings settings = small_settings();
  settings.batch = 60000;
  EXPECT_THAT(complaint(settings, folder / "run"), HasSubstr("batch = 60000"));
  settings = small_settings();
  settings.device = "toaster";
  EXPECT_THAT(complaint(settings, folder / "run"), HasSubstr("toaster"));
  settings.device = "cpu";
  settings.network.name = "lenet";
  EXPECT_THAT(complaint(settings, folder / "run"), HasSubstr("lenet5"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Trainer, ReportsProgressInSteps) {
  const TemporaryFolder folder;
  class Watch : public Events {
   public:
    void progress(const Progress& p) override { last = p; }
    void finished(std::string_view task) override { over = task; }
    Progress last;
    std::string over;
  } events;
  train(small_settings(), small_data(), folder / "run", {&events, {}});
  EXPECT_EQ(events.last.done, events.last.total);
  EXPECT_EQ(events.last.unit, "steps");
  EXPECT_THAT(events.last.note, HasSubstr("images/s"));
  EXPECT_EQ(events.over, events.last.task);
}

}  // namespace
}  // namespace flatenn
