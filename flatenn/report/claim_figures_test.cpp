#include "flatenn/report/claim_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;

/// One claim in two cells, and once on drops.
PageInputs judged() {
  const double none = std::numeric_limits<double>::infinity();
  PageInputs inputs;
  inputs.claims = {{"C3", "code", false, false, false, 0.1, -none, none, FaultKind::flip, 0.01},
                   {"C3", "code", false, true, true, 16.1, 15.4, 16.8, FaultKind::flip, 0.05},
                   {"C3", "code", true, true, false, -0.5, -1, 0, FaultKind::flip, 0.05}};
  return inputs;
}

TEST(ClaimFigures, NoClaimsNoFigures) {
  const PageSection section = claims_section({});
  EXPECT_TRUE(section.figures.empty());
  EXPECT_TRUE(section.missing.empty());
}

TEST(ClaimFigures, TheChosenCellIsNamedAndAloneInItsTable) {
  const PageSection section = claims_section(judged());
  const PageFigure& claims = figure(section, "claims");
  EXPECT_EQ(claims.title, "The claims at flip at rate 0.05");
  EXPECT_THAT(column(claims, "points"), ElementsAre(16.1, -0.5));
  EXPECT_THAT(column(claims, "holds"), ElementsAre("yes", "no"));
  EXPECT_THAT(column(claims, "basis"), ElementsAre("accuracy", "drop"));
}

TEST(ClaimFigures, EveryCellIsInTheLinesAndUnboundedEndsAreUnknown) {
  const PageSection section = claims_section(judged());
  const PageFigure& gains = figure(section, "gains");
  EXPECT_THAT(column(gains, "rate"), ElementsAre(0.01, 0.05, 0.05));
  EXPECT_THAT(column(gains, "lo"), ElementsAre(nullptr, 15.4, -1));
  EXPECT_THAT(column(gains, "chosen"), ElementsAre("no", "yes", "yes"));
  EXPECT_EQ(gains.options["choose"][0], "basis");
}

}  // namespace
}  // namespace flatenn
