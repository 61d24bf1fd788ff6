#include "flatenn/study/measured.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::ElementsAre;

CampaignSettings campaign() {
  CampaignSettings settings;
  settings.kinds = {FaultKind::stuck1, FaultKind::flip};
  settings.rates = {0.1, 0.01};
  settings.maps = 2;
  settings.first_map = 5;
  return settings;
}

/// `base` correct of 200 on map 5 of flip at 0.01, more in other places.
MeasuredArm measured(const std::string& name, std::uint64_t seed, std::uint64_t base) {
  MeasuredArm arm{{name, name == "sparse", "", 0}, seed, 200, 90.0 + static_cast<double>(seed), {}};
  for (const FaultKind kind : {FaultKind::flip, FaultKind::stuck1}) {
    for (const double rate : {0.01, 0.1}) {
      for (const std::uint64_t map : {5, 6}) {
        const std::uint64_t correct = base + (kind == FaultKind::stuck1 ? 40 : 0) +
                                      (rate == 0.1 ? 20 : 0) + (map == 6 ? 2 : 0);
        arm.trials.push_back({kind, rate, map, correct, 10, 4 + map});
      }
    }
  }
  return arm;
}

TEST(Measured, CellsByKindOfTheCampaignThenRate) {
  const auto cells =
      collect_cells(campaign(), {measured("standard", 0, 100), measured("standard", 1, 110),
                                 measured("sparse", 0, 50), measured("sparse", 1, 60)});
  ASSERT_EQ(cells.size(), 4u);
  EXPECT_EQ(cells[0].kind, FaultKind::stuck1);
  EXPECT_EQ(cells[0].rate, 0.01);
  EXPECT_EQ(cells[3].kind, FaultKind::flip);
  EXPECT_EQ(cells[3].rate, 0.1);
  ASSERT_EQ(cells[2].arms.size(), 2u);
  const ArmAccuracies& sparse = cells[2].arms[1];
  EXPECT_EQ(sparse.name, "sparse");
  EXPECT_TRUE(sparse.sparse);
  EXPECT_THAT(sparse.clean, ElementsAre(90, 91));
  EXPECT_THAT(sparse.faulty, ElementsAre(ElementsAre(25, 26), ElementsAre(30, 31)));
  EXPECT_THAT(cells[1].arms[0].faulty[0], ElementsAre(80, 81));
}

TEST(Measured, AMissingMapIsABug) {
  MeasuredArm arm = measured("standard", 0, 100);
  arm.trials.pop_back();
  EXPECT_THROW(collect_cells(campaign(), {arm}), InternalError);
}

TEST(Measured, FaultyResultsCarryMeansAndBits) {
  const auto faulty = collect_faulty(campaign(), {measured("standard", 3, 100)});
  ASSERT_EQ(faulty.size(), 4u);
  EXPECT_EQ(faulty[0].arm, "standard");
  EXPECT_EQ(faulty[0].seed, 3u);
  EXPECT_EQ(faulty[0].images, 200u);
  EXPECT_EQ(faulty[0].cell.kind, FaultKind::flip);
  EXPECT_DOUBLE_EQ(faulty[0].cell.mean, 50.5);
  EXPECT_EQ(faulty[0].cell.maps, 2u);
  EXPECT_DOUBLE_EQ(faulty[0].cell.changed_bits, 9.5);
}

}  // namespace
}  // namespace flatenn
