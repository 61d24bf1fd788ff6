#include "flatenn/campaign/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

CampaignSettings small_settings() {
  CampaignSettings settings;
  settings.kinds = {FaultKind::flip, FaultKind::stuck0};
  settings.rates = {0.01, 0.1};
  settings.maps = 2;
  settings.first_map = 5;
  return settings;
}

TEST(MissingWork, IsEverythingForAnEmptyStore) {
  const std::vector<FaultKind> both = {FaultKind::flip, FaultKind::stuck0};
  const auto work = missing_work(small_settings(), {});
  EXPECT_THAT(work, ElementsAre(WorkUnit{5, 0.01, both}, WorkUnit{5, 0.1, both},
                                WorkUnit{6, 0.01, both}, WorkUnit{6, 0.1, both}));
  EXPECT_EQ(count_trials(work), 8u);
}

TEST(MissingWork, LeavesOutWhatIsStored) {
  std::vector<Trial> stored = {{FaultKind::flip, 0.01, 5, 1, 1, 1}};
  const auto partly = missing_work(small_settings(), stored);
  EXPECT_EQ(partly.front(), (WorkUnit{5, 0.01, {FaultKind::stuck0}}));
  EXPECT_EQ(count_trials(partly), 7u);
  stored.push_back({FaultKind::stuck0, 0.01, 5, 1, 1, 1});
  EXPECT_EQ(missing_work(small_settings(), stored).size(), 3u);
}

TEST(MissingWork, IsEmptyWhenAllIsStored) {
  std::vector<Trial> stored;
  for (const WorkUnit& unit : missing_work(small_settings(), {})) {
    for (const FaultKind kind : unit.kinds) stored.push_back({kind, unit.rate, unit.map, 0, 0, 0});
  }
  EXPECT_THAT(missing_work(small_settings(), stored), IsEmpty());
}

}  // namespace
}  // namespace flatenn
