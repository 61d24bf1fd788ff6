#include "flatenn/campaign/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "flatenn/base/random.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/stats/confidence_sequence.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Model small_model() {
  NetworkOptions options;
  options.input = {1, 4, 4, 1.0f / 255, 0};
  options.hidden = {6};
  return random_model(mlp(options), 3);
}

constexpr std::uint64_t kImages = 1000;

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    settings_.kinds = {FaultKind::flip, FaultKind::stuck0};
    settings_.rates = {0.01, 0.1};
    settings_.maps = 2;
    settings_.first_map = 5;
  }

  PlanInput input(const Shard& shard = {}) const {
    return {settings_, memory_, exposure_, kImages, 0, shard};
  }
  std::vector<MapRange> windows() const { return plan_windows(input()); }
  Plan plan(const std::vector<Trial>& stored, const Shard& shard = {}) const {
    return plan_work(input(shard), windows().at(0), stored);
  }

  /// The trial that a work unit asks for, with the outcome of `measure`.
  using Measure = std::function<void(Trial&)>;
  static void run(const std::vector<WorkUnit>& work, const Measure& measure,
                  std::vector<Trial>& stored) {
    for (const WorkUnit& unit : work) {
      for (const FaultKind kind : unit.kinds) {
        Trial trial{kind, unit.rate, unit.map, kImages, 1, 1};
        measure(trial);
        stored.push_back(trial);
      }
    }
    std::ranges::sort(stored, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  }
  /// All rounds of all windows.
  std::vector<Trial> complete(const Measure& measure, std::vector<Trial> stored = {},
                              const Shard& shard = {}) const {
    for (const MapRange& window : windows()) {
      for (;;) {
        std::vector<Trial> within;
        std::ranges::copy_if(stored, std::back_inserter(within),
                             [&](const Trial& t) { return window.contains(t.map); });
        const Plan next = plan_work(input(shard), window, within);
        if (next.work.empty()) break;
        run(next.work, measure, stored);
      }
    }
    return stored;
  }

  Model model_ = small_model();
  MemoryLayout memory_{model_};
  Exposure exposure_ = memory_.expose({});
  CampaignSettings settings_;
};

// ---- fixed numbers of maps

TEST_F(PlanTest, AFixedCampaignAsksForEverything) {
  const std::vector<FaultKind> both = {FaultKind::flip, FaultKind::stuck0};
  const Plan all = plan({});
  EXPECT_THAT(all.work, ElementsAre(WorkUnit{5, 0.01, both}, WorkUnit{5, 0.1, both},
                                    WorkUnit{6, 0.01, both}, WorkUnit{6, 0.1, both}));
  EXPECT_EQ(count_trials(all.work), 8u);
  EXPECT_EQ(all.expected, 8);
}

TEST_F(PlanTest, WhatIsStoredIsLeftOut) {
  const std::vector<Trial> stored = {{FaultKind::flip, 0.01, 5, 1, 1, 1},
                                     {FaultKind::stuck1, 0.01, 5, 1, 1, 1},  // not asked for
                                     {FaultKind::flip, 0.02, 5, 1, 1, 1}};
  const Plan rest = plan(stored);
  EXPECT_EQ(rest.work.front(), (WorkUnit{5, 0.01, {FaultKind::stuck0}}));
  EXPECT_EQ(count_trials(rest.work), 7u);
  EXPECT_EQ(rest.stored, 1);
  EXPECT_THAT(plan(complete([](Trial&) {})).work, IsEmpty());
}

TEST_F(PlanTest, ManyMapsAreWorkedThroughInWindows) {
  settings_.maps = 60'001;
  const std::vector<MapRange> parts = windows();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts.front().first, 5u);
  for (std::size_t i = 1; i < parts.size(); ++i) EXPECT_EQ(parts[i].first, parts[i - 1].last);
  EXPECT_EQ(parts.back().last, 60'006u);
  EXPECT_EQ(plan_work(input(), parts.back(), {}).expected,
            4.0 * static_cast<double>(parts.back().last - parts.back().first));
}

TEST_F(PlanTest, PartsShareTheWorkAndAddUpToTheWhole) {
  settings_.maps = 7;
  const auto measure = [](Trial& t) { t.correct = t.map * 10; };
  std::vector<Trial> merged;
  for (int i = 0; i < 3; ++i) {
    const std::vector<Trial> part = complete(measure, {}, {i, 3, 1});
    EXPECT_GE(part.size(), 8u);  // 28 trials in units of two kinds
    EXPECT_LE(part.size(), 10u);
    merged.insert(merged.end(), part.begin(), part.end());
  }
  std::ranges::sort(merged, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  EXPECT_EQ(merged, complete(measure));
}

// ---- sequential

/// Percent in thousandths: kImages = 1000.
void noisy(Trial& trial) {
  RandomStream stream(9, Purpose::test, trial.map, static_cast<std::uint64_t>(trial.kind));
  const double spread = trial.rate > 0.05 ? 200 : 2;
  trial.correct = static_cast<std::uint64_t>(700 + spread * (stream.uniform() - 0.5));
}

std::map<std::pair<FaultKind, double>, std::vector<double>> by_cell(
    const std::vector<Trial>& trials) {
  std::map<std::pair<FaultKind, double>, std::vector<double>> cells;
  for (const Trial& t : trials) {
    cells[{t.kind, t.rate}].push_back(100.0 * static_cast<double>(t.correct) / kImages);
  }
  return cells;
}

TEST_F(PlanTest, ASequentialCellStopsAtTheFirstLookThatDecides) {
  settings_.until = 4;
  settings_.max_maps = 2000;
  for (const auto& [cell, accuracies] : by_cell(complete(noisy))) {
    std::uint64_t look = next_look(0);
    while (!decided(confidence_sequence(std::span(accuracies).first(look), 0, 100), 4)) {
      look = next_look(look);
      ASSERT_LE(look, accuracies.size());
    }
    EXPECT_EQ(accuracies.size(), look);
  }
}

TEST_F(PlanTest, ASequentialCellGivesUpAtTheLargestNumberOfMaps) {
  settings_.until = 0.01;
  settings_.max_maps = 50;
  for (const auto& [cell, accuracies] : by_cell(complete(noisy))) {
    EXPECT_EQ(accuracies.size(), 50u);
  }
}

TEST_F(PlanTest, ASequentialCampaignDoesNotDependOnHowItWasInterrupted) {
  settings_.until = 5;
  const std::vector<Trial> whole = complete(noisy);
  // Pieces of any trials, with gaps, as a killed process or another part leaves them.
  std::vector<Trial> pieces;
  for (std::size_t i = 0; i < whole.size(); i += 3) pieces.push_back(whole[i]);
  EXPECT_EQ(complete(noisy, pieces), whole);
}

TEST_F(PlanTest, PartsOfASequentialCampaignTakeWholeCells) {
  settings_.until = 5;
  std::vector<Trial> merged;
  for (int i = 0; i < 3; ++i) {
    const std::vector<Trial> part = complete(noisy, {}, {i, 3, 1});
    merged.insert(merged.end(), part.begin(), part.end());
  }
  std::ranges::sort(merged, {}, [](const Trial& t) { return std::tuple(t.kind, t.rate, t.map); });
  EXPECT_EQ(merged, complete(noisy));
}

// ---- single bits

/// Flips of the top bit of the first tensor matter now and then, others never.
void top_bits_matter(Trial& trial, const MemoryLayout& memory) {
  const Cell cell = memory.cell(trial.map);
  RandomStream stream(4, Purpose::test, trial.map);
  const bool matters = cell.tensor == 0 && cell.bit == 3 && stream.uniform() < 0.5;
  trial.answers_changed = matters ? 5 : 0;
}

TEST_F(PlanTest, EverySingleBitIsTriedOnce) {
  settings_.source = "single";
  settings_.kinds = {FaultKind::flip};
  const std::vector<std::string> top = {"*:top"};
  exposure_ = memory_.expose(top);
  std::set<std::uint64_t> tried;
  for (int i = 0; i < 2; ++i) {
    const std::vector<Trial> part = complete([](Trial&) {}, {}, {i, 2, 1});
    EXPECT_GT(part.size(), exposure_.bits() / 4);
    for (const Trial& trial : part) EXPECT_TRUE(tried.insert(trial.map).second);
  }
  std::set<std::uint64_t> exposed;
  for (std::uint64_t a = 0; a < memory_.bits(); ++a) {
    if (memory_.cell(a).bit == 3) exposed.insert(a);
  }
  EXPECT_EQ(tried, exposed);
}

TEST_F(PlanTest, ASampleGoesWhereOutcomesVary) {
  settings_.source = "single";
  settings_.kinds = {FaultKind::flip};
  settings_.sample = 160;
  const auto measure = [&](Trial& trial) { top_bits_matter(trial, memory_); };
  const std::vector<Trial> trials = complete(measure);
  EXPECT_GE(trials.size(), 160u);
  EXPECT_LE(trials.size(), 200u);
  std::map<std::pair<int, int>, int> tried;
  for (const Trial& trial : trials) {
    const Cell cell = memory_.cell(trial.map);
    ++tried[{cell.tensor, cell.bit}];
  }
  ASSERT_EQ(tried.size(), 8u);
  for (const auto& [stratum, count] : tried) EXPECT_GE(count, 8);
  const int most = tried.at({0, 3});
  EXPECT_GT(most, 3 * tried.at({0, 2}) / 2);
}

TEST_F(PlanTest, ASampleDoesNotDependOnHowItWasInterrupted) {
  settings_.source = "single";
  settings_.sample = 160;
  const auto measure = [&](Trial& trial) { top_bits_matter(trial, memory_); };
  const std::vector<Trial> whole = complete(measure);
  std::vector<Trial> pieces;
  for (std::size_t i = 0; i < whole.size(); i += 2) pieces.push_back(whole[i]);
  EXPECT_EQ(complete(measure, pieces), whole);
}

}  // namespace
}  // namespace flatenn
