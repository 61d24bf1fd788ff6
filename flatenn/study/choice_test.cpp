#include "flatenn/study/choice.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

CellAccuracies cell(double standard, double other) {
  return {FaultKind::flip,
          0.1,
          {{"other", true, "", {80}, {{other}}}, {"standard", false, "", {90}, {{standard}}}}};
}

TEST(Choice, TakesTheLargestDropAboveChanceAndMargin) {
  const std::vector<CellAccuracies> cells = {cell(89, 0), cell(40, 80), cell(20.0, 80),
                                             cell(19.9, 80)};
  EXPECT_EQ(choose_cell(cells, 10, 10), 2u);
  EXPECT_EQ(choose_cell(cells, 10, 15), 1u);
}

TEST(Choice, IsBlindToOtherArms) {
  for (const double other : {0.0, 50.0, 100.0}) {
    EXPECT_EQ(choose_cell(std::vector{cell(70, other), cell(60, 50), cell(65, other)}, 10, 10), 1u);
  }
}

TEST(Choice, AllNearChanceTakesTheMildest) {
  EXPECT_EQ(choose_cell(std::vector{cell(10, 50), cell(12, 50), cell(11, 50)}, 10, 10), 1u);
}

TEST(Choice, EqualDropsTakeTheFirst) {
  EXPECT_EQ(choose_cell(std::vector{cell(80, 1), cell(60, 2), cell(60, 3)}, 10, 10), 1u);
}

TEST(Choice, ReferenceIsThePlainArmElseTheFirst) {
  EXPECT_EQ(reference_arm(cell(1, 2).arms), 1u);
  const std::vector<ArmAccuracies> none = {{"a", true, "", {}, {}}, {"b", false, "code", {}, {}}};
  EXPECT_EQ(reference_arm(none), 0u);
  const std::vector<ArmAccuracies> variant = {{"v", false, "", {}, {}, true},
                                              {"standard", false, "", {}, {}}};
  EXPECT_EQ(reference_arm(variant), 1u);
  EXPECT_THROW(choose_cell({}, 10, 10), InternalError);
}

}  // namespace
}  // namespace flatenn
