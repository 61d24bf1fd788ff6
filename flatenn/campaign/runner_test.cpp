#include "flatenn/campaign/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <tuple>

#include "flatenn/base/error.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

/// Counts calls over all clones and calls back before each.
class Watched : public Evaluator {
 public:
  using Hook = std::function<void(int call)>;
  Watched(std::unique_ptr<Evaluator> inner, Hook hook)
      : inner_(std::move(inner)),
        calls_(std::make_shared<std::atomic<int>>(0)),
        hook_(std::move(hook)) {}
  void write(std::span<const CodeWrite> writes) override { inner_->write(writes); }
  void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) override {
    hook_((*calls_)++);
    inner_->classify(first, count, classes);
  }
  NodeTrace trace(int node, std::size_t first, std::size_t count) override {
    return inner_->trace(node, first, count);
  }
  std::unique_ptr<Evaluator> clone() const override {
    auto copy = std::make_unique<Watched>(inner_->clone(), hook_);
    copy->calls_ = calls_;
    return copy;
  }
  std::string_view name() const override { return "watched"; }

 private:
  std::unique_ptr<Evaluator> inner_;
  std::shared_ptr<std::atomic<int>> calls_;
  Hook hook_;
};

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    settings_.kinds = {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck};
    settings_.rates = {0.01, 0.1};
    settings_.maps = 3;
  }

  static NetworkOptions options() {
    NetworkOptions options;
    options.input = {1, 6, 6, 1.0f / 255, 0};
    options.hidden = {8};
    return options;
  }

  std::vector<std::uint8_t> classes(const Model& model) const {
    std::vector<std::uint8_t> classes(images_.size());
    make_reference_evaluator(model, images_)->classify(0, images_.size(), classes);
    return classes;
  }

  /// Runs what `stored` lacks and adds it there.
  void run(
      std::vector<Trial>& stored, int threads, Watched::Hook hook = [](int) {},
      std::stop_token stop = {}) {
    const Watched evaluator(make_reference_evaluator(model_, images_), std::move(hook));
    const TrialSetup setup{&model_, &images_,  &evaluator, 7, MemoryImage(model_).expose_all(),
                           clean_,  per_image_};
    run_trials(setup, missing_work(settings_, stored), threads, stop,
               [&](const std::vector<Trial>& trials) {
                 stored.insert(stored.end(), trials.begin(), trials.end());
               });
  }

  static std::vector<Trial> sorted(std::vector<Trial> trials) {
    std::ranges::sort(trials, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
    return trials;
  }

  /// Two looks at the stop token a trial.
  Model model_ = random_model(mlp(options()), 3);
  Dataset images_ = random_dataset(options().input, 300, 4);
  std::vector<std::uint8_t> clean_ = classes(model_);
  bool per_image_ = false;
  CampaignSettings settings_;
};

TEST_F(RunnerTest, EveryTrialIsWhatTheCorruptedModelAnswers) {
  per_image_ = true;
  std::vector<Trial> trials;
  run(trials, 1);
  ASSERT_EQ(trials.size(), 18u);
  for (const Trial& trial : trials) {
    MemoryImage memory(model_);
    std::vector<Fault> faults;
    draw_fault_map(7, trial.map, memory.bits(), trial.rate, faults);
    AppliedFaults applied;
    memory.apply(faults, trial.kind, memory.expose_all(), applied);
    Model corrupted = model_;
    for (std::size_t t = 0; t < corrupted.weights.size(); ++t) {
      for (std::size_t i = 0; i < corrupted.weights[t].codes.size(); ++i) {
        corrupted.weights[t].codes[i] = memory.code(static_cast<int>(t), i);
      }
    }
    const std::vector<std::uint8_t> answers = classes(corrupted);
    std::uint64_t correct = 0, changed = 0;
    ASSERT_EQ(trial.right.size(), 38u);  // 300 images
    for (std::size_t i = 0; i < 300; ++i) {
      const bool right = answers[i] == images_.labels[i];
      correct += right;
      changed += answers[i] != clean_[i];
      EXPECT_EQ((trial.right[i / 8] >> i % 8 & 1) == 1, right) << i;
    }
    EXPECT_EQ(trial.right.back() >> 4, 0);
    EXPECT_EQ(trial.correct, correct);
    EXPECT_EQ(trial.answers_changed, changed);
    EXPECT_EQ(trial.faulty_bits, faults.size());
    EXPECT_EQ(trial.changed_bits, applied.changed.size());
  }
}

TEST_F(RunnerTest, PerImageResultsAreRecordedOnlyWhenAsked) {
  std::vector<Trial> without, with;
  run(without, 1);
  per_image_ = true;
  run(with, 1);
  for (Trial& trial : with) {
    EXPECT_FALSE(trial.right.empty());
    trial.right = {};
  }
  EXPECT_EQ(with, without);
}

TEST_F(RunnerTest, ThreadsDoNotChangeTheRows) {
  std::vector<Trial> one, two, many;
  run(one, 1);
  run(two, 2);
  run(many, 50);
  EXPECT_EQ(sorted(two), sorted(one));
  EXPECT_EQ(sorted(many), sorted(one));
}

TEST_F(RunnerTest, AnyInterruptionAndResumeGivesTheSameRows) {
  std::vector<Trial> undisturbed;
  run(undisturbed, 1);
  for (int call = 0; call < 36; ++call) {
    std::stop_source stop;
    std::vector<Trial> trials;
    run(
        trials, 1,
        [&](int now) {
          if (now == call) stop.request_stop();
        },
        stop.get_token());
    // A trial takes two calls; the one in which the stop comes is kept only when it was the last.
    EXPECT_EQ(trials.size(), std::size_t(call + 1) / 2) << call;
    run(trials, 2);
    EXPECT_EQ(sorted(trials), sorted(undisturbed)) << call;
  }
}

TEST_F(RunnerTest, AFailingTrialEndsTheWorkAndKeepsWhatIsFinished) {
  std::vector<Trial> trials;
  EXPECT_THROW(run(trials, 1,
                   [](int call) {
                     if (call == 10) fail("broken");
                   }),
               Error);
  EXPECT_EQ(trials.size(), 5u);
}

TEST_F(RunnerTest, AFailingCommitEndsTheWork) {
  const auto evaluator = make_reference_evaluator(model_, images_);
  const TrialSetup setup{&model_, &images_, evaluator.get(), 7, MemoryImage(model_).expose_all(),
                         clean_};
  EXPECT_THROW(run_trials(setup, missing_work(settings_, {}), 2, {},
                          [](const std::vector<Trial>&) { fail("disk full"); }),
               Error);
}

TEST_F(RunnerTest, AStopBeforeTheStartDoesNothing) {
  std::stop_source stop;
  stop.request_stop();
  std::vector<Trial> trials;
  run(
      trials, 2, [](int) { FAIL() << "evaluated after a stop"; }, stop.get_token());
  EXPECT_TRUE(trials.empty());
}

}  // namespace
}  // namespace flatenn
