#include "flatenn/report/tolerated.h"

#include <gtest/gtest.h>

#include <limits>

namespace flatenn {
namespace {

Arm arm_with(std::vector<std::pair<double, double>> rates_and_means) {
  Arm arm;
  arm.clean = 90;
  for (const auto& [rate, mean] : rates_and_means) {
    ArmCell cell;
    cell.summary.rate = rate;
    cell.summary.mean = mean;
    cell.summary.lo = mean - 1;
    cell.summary.hi = mean + 1;
    arm.cells.push_back(cell);
  }
  return arm;
}

TEST(ToleratedRate, IsReadOnTheLogarithmOfTheRate) {
  const Arm arm = arm_with({{0, 90}, {0.001, 89}, {0.1, 81}});
  // 85 lies half way between 89 and 81, 0.01 half way between 0.001 and 0.1.
  const ToleratedRate rate = tolerated_rate(arm, FaultKind::flip, 5);
  EXPECT_TRUE(rate.measured());
  EXPECT_NEAR(rate.rate, 0.01, 1e-12);
  EXPECT_LT(rate.lo, rate.rate);
  EXPECT_GT(rate.hi, rate.rate);
}

TEST(ToleratedRate, OutsideTheMeasuredRatesItSaysOnWhichSide) {
  const Arm arm = arm_with({{0.001, 89}, {0.1, 81}});
  EXPECT_EQ(tolerated_rate(arm, FaultKind::flip, 0.5).rate, 0);
  EXPECT_EQ(tolerated_rate(arm, FaultKind::flip, 20).rate, std::numeric_limits<double>::infinity());
}

TEST(TellingLoss, IsTheSmallestThatMostCurvesCross) {
  EXPECT_EQ(telling_loss({arm_with({{0.001, 89.5}, {0.1, 87}})}), 1);
  EXPECT_EQ(telling_loss({arm_with({{0.001, 84}, {0.1, 60}})}), 10);
  EXPECT_EQ(telling_loss({}), 1);
}

}  // namespace
}  // namespace flatenn
