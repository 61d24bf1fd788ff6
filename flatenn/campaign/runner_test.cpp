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

  /// What `stored` lacks.
  std::vector<WorkUnit> missing(const std::vector<Trial>& stored) const {
    const MemoryLayout memory(model_);
    const Exposure exposure = memory.expose({});
    const PlanInput input{settings_, memory, exposure, images_.size()};
    return plan_work(input, plan_windows(input).at(0), stored).work;
  }
  TrialSetup setup(const ExposedNetwork& network, const Evaluator& evaluator) const {
    return {.network = &network,
            .images = &images_,
            .evaluator = &evaluator,
            .seed = 7,
            .clean = clean_,
            .per_image = per_image_};
  }

  /// Runs what `stored` lacks and adds it there.
  void run(
      std::vector<Trial>& stored, int threads, Watched::Hook hook = [](int) {},
      std::stop_token stop = {}) {
    const Watched evaluator(make_reference_evaluator(model_, images_), std::move(hook));
    const ExposedNetwork network(settings_, model_);
    run_trials(setup(network, evaluator), missing(stored), threads, stop,
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

TEST_F(RunnerTest, CellsThatHoldWhatTheyShouldCostNoEvaluation) {
  for (WeightTensor& tensor : model_.weights) std::ranges::fill(tensor.codes, std::int8_t{0});
  clean_ = classes(model_);
  settings_.kinds = {FaultKind::stuck0};
  std::vector<Trial> trials;
  run(trials, 1, [](int) { FAIL() << "evaluated"; });
  ASSERT_EQ(trials.size(), 6u);
  for (const Trial& trial : trials) {
    EXPECT_EQ(trial.changed_bits, 0u);
    EXPECT_EQ(trial.answers_changed, 0u);
    EXPECT_EQ(trial.correct, count_equal(clean_, images_.labels));
  }
}

TEST_F(RunnerTest, FaultsComeFromTheSource) {
  const auto evaluator = make_reference_evaluator(model_, images_);
  const ExposedNetwork network(settings_, model_);
  TrialSetup single = setup(network, *evaluator);
  single.source = parse_fault_source("single");
  std::vector<Trial> trials;
  run_trials(single, {{17, 0, {FaultKind::flip}}}, 1, {},
             [&](const std::vector<Trial>& t) { trials.insert(trials.end(), t.begin(), t.end()); });
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_EQ(trials[0].changed_bits, 1u);
  Model corrupted = model_;
  MemoryImage memory(model_);
  const Cell cell = memory.cell(17);
  AppliedFaults applied;
  memory.apply(std::vector<Fault>{{17, true}}, FaultKind::flip, memory.expose_all(), applied);
  corrupted.weights[static_cast<std::size_t>(cell.tensor)].codes[cell.element] =
      memory.code(cell.tensor, cell.element);
  EXPECT_EQ(trials[0].correct, count_equal(classes(corrupted), images_.labels));
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
  const ExposedNetwork network(settings_, model_);
  EXPECT_THROW(run_trials(setup(network, *evaluator), missing({}), 2, {},
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
