#include "flatenn/campaign/subject_run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

NetworkOptions network_options() {
  NetworkOptions options;
  options.input = {1, 6, 6, 1.0f / 255, 0};
  options.hidden = {8, 6};
  return options;
}

class SubjectRunTest : public testing::Test {
 protected:
  SubjectRun make(const Context& context = default_context()) {
    context_ = context;
    return {settings_, campaign_source(settings_), model_, images_, context_};
  }

  /// What work() commits, by kind, rate, map.
  std::vector<Trial> trials_of(SubjectRun& run, const std::vector<WorkUnit>& units,
                               int threads = 1) {
    std::vector<Trial> trials;
    run.work(units, threads, [&](const std::vector<Trial>& done) {
      trials.insert(trials.end(), done.begin(), done.end());
    });
    std::ranges::sort(trials, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
    return trials;
  }

  std::vector<WorkUnit> maps(std::uint64_t count) const {
    std::vector<WorkUnit> units;
    for (std::uint64_t map = 0; map < count; ++map) {
      units.push_back({map, 0.05, {FaultKind::flip, FaultKind::stuck1}});
    }
    return units;
  }

  Model network_ = random_model(mlp(network_options()), 3);
  CampaignModel model_ = {"first", &network_};
  Dataset images_ = random_dataset(network_options().input, 40, 4);
  CampaignSettings settings_;
  Context context_ = default_context();
};

TEST_F(SubjectRunTest, CleanClassesAreTheNetworksOwn) {
  SubjectRun run = make();
  const auto clean = run.clean();
  std::vector<std::uint8_t> expected(images_.size());
  make_evaluator(Engine::reference, network_, images_)->classify(0, images_.size(), expected);
  EXPECT_TRUE(std::ranges::equal(clean, expected));
}

TEST_F(SubjectRunTest, CleanClassesThatTheCallerHasAreTaken) {
  SubjectRun run = make();
  const std::vector<std::uint8_t> told(images_.size(), 3);
  run.set_clean(told);
  EXPECT_TRUE(std::ranges::equal(run.clean(), told));
  // They are what answers change against; what is right does not depend on them.
  SubjectRun own = make();
  const std::vector<Trial> against_told = trials_of(run, maps(8)),
                           against_own = trials_of(own, maps(8));
  std::uint64_t told_changes = 0, own_changes = 0;
  for (std::size_t i = 0; i < against_own.size(); ++i) {
    EXPECT_EQ(against_told[i].correct, against_own[i].correct);
    told_changes += against_told[i].answers_changed;
    own_changes += against_own[i].answers_changed;
  }
  EXPECT_GT(told_changes, own_changes);
}

TEST_F(SubjectRunTest, TrialsAreThoseOfTheCampaign) {
  settings_.kinds = {FaultKind::flip, FaultKind::stuck1};
  settings_.rates = {0.05};
  settings_.maps = 5;
  SubjectRun run = make();
  EXPECT_EQ(trials_of(run, maps(5), 2), measure_trials(settings_, model_, images_));
}

/// Work that begins in a later layer, in an earlier one and at the first again: what is kept of the
/// layers before must never be stale.
TEST_F(SubjectRunTest, KeepingTheLayersBeforeChangesNothing) {
  settings_.source = "single";
  const MemoryLayout memory(network_);
  std::vector<WorkUnit> units;
  for (const int tensor : {2, 0, 1, 0, 2}) {
    const std::uint64_t first = memory.tensors()[static_cast<std::size_t>(tensor)].first_bit;
    for (std::uint64_t i = 0; i < 6; ++i) {
      units.push_back({first + i + 7 * units.size(), 0, {FaultKind::flip}});
    }
  }
  SubjectRun keeping = make();
  const std::vector<Trial> kept = trials_of(keeping, units);
  settings_.keep_prefix = false;
  SubjectRun plain = make();
  EXPECT_EQ(kept, trials_of(plain, units));
  EXPECT_EQ(kept.size(), units.size());
}

TEST_F(SubjectRunTest, StopsWhenAsked) {
  std::stop_source stop;
  Context context = default_context();
  context.stop = stop.get_token();
  SubjectRun run = make(context);
  run.clean();
  stop.request_stop();
  EXPECT_THROW(run.work(maps(50), 1, [](const std::vector<Trial>&) {}), Interrupted);
  SubjectRun early = make(context);
  EXPECT_THROW(early.clean(), Interrupted);
}

TEST_F(SubjectRunTest, ThreadsAreAsAskedOrSharedWithNeighbours) {
  settings_.threads = 5;
  EXPECT_EQ(thread_count(settings_, {}), 5);
  settings_.threads = 0;
  Shard crowded;
  crowded.neighbours = 1'000'000;
  EXPECT_EQ(thread_count(settings_, crowded), 1);
  EXPECT_GE(thread_count(settings_, {}), 1);
}

}  // namespace
}  // namespace flatenn
