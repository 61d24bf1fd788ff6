#include "flatenn/report/defence_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PageInputs some_arms(std::size_t count) {
  const TestStore test;
  for (std::size_t i = 0; i < count; ++i) {
    test.add("arm" + std::to_string(i), 90 - i, {{0, 50 + i}, {1, 60 + i}},
             [](Subject& subject) { subject.sparsity = 50; });
  }
  return read_page(test.path());
}

TEST(DefenceFigures, NothingToCompareNoFigures) {
  EXPECT_THAT(defences_section({}).figures, IsEmpty());
  EXPECT_THAT(defences_section(some_arms(1)).figures, IsEmpty());
  PageInputs two = some_arms(2);
  two.stores.push_back(two.stores[0]);
  EXPECT_THAT(defences_section(two).figures, IsEmpty());
}

TEST(DefenceFigures, AMarkAnArmAndCriterionWithItsStanding) {
  PageInputs inputs = some_arms(2);
  inputs.stores[0].arms[0].training_seconds = 3;
  const PageSection section = defences_section(inputs);
  const PageFigure& pareto = figure(section, "pareto");
  EXPECT_THAT(column(pareto, "against"),
              ElementsAre("clean accuracy, %", "clean accuracy, %", "sparsity, %", "sparsity, %",
                          "training time, s", "training time, s"));
  EXPECT_THAT(column(pareto, "value"), ElementsAre(90, 89, 50, 50, 3, nullptr));
  EXPECT_THAT(column(pareto, "standing"), ElementsAre("on the front", "on the front", "beaten",
                                                      "on the front", "on the front", "not known"));
  EXPECT_THAT(column(pareto, "better"), Contains("lower").Times(2));
  EXPECT_THAT(section.notes, Contains(HasSubstr("2 fault maps that all 2 arms met")));
  EXPECT_THAT(section.notes, Contains(HasSubstr("training time is not known of arm1")));
}

TEST(DefenceFigures, TablesHoldArmsAndPairs) {
  const PageSection section = defences_section(some_arms(3));
  EXPECT_THAT(column(figure(section, "defences"), "front_all"),
              ElementsAre("on the front", "on the front", "on the front"));
  const PageFigure& pairs = figure(section, "defence-pairs");
  EXPECT_THAT(column(pairs, "difference"),
              ElementsAre("arm1 \u2212 arm0", "arm2 \u2212 arm0", "arm2 \u2212 arm1"));
  EXPECT_THAT(column(pairs, "points"), ElementsAre(1, 2, 1));
  EXPECT_THAT(column(pairs, "p_adjusted"), ElementsAre(1, 1, 1));
}

TEST(DefenceFigures, ManyArmsAreComparedToTheFirst) {
  const PageSection section = defences_section(some_arms(13));
  EXPECT_EQ(figure(section, "defence-pairs").table.rows(), 12u);
  EXPECT_THAT(figure(section, "defence-pairs").title, HasSubstr("Every arm minus arm0"));
}

TEST(DefenceFigures, ProtectionsAreSetAgainstTraining) {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  test.add("plain", 90, {{0, 50}, {1, 60}}, unprotected(layout));
  test.add("plain", 90, {{0, 80}, {1, 92}}, behind("secded:64", layout));
  test.add("saq", 90, {{0, 70}, {1, 80}}, unprotected(layout));
  const PageSection section = defences_section(read_page(test.path()));
  EXPECT_THAT(column(figure(section, "pareto"), "against"),
              Contains("stored memory, bits").Times(3));
  EXPECT_THAT(column(figure(section, "defences"), "stored_bits"), ElementsAre(64, 72, 64));
  const PageFigure& payoff = figure(section, "payoff");
  EXPECT_THAT(column(payoff, "arm"), ElementsAre("plain + secded:64"));
  EXPECT_THAT(column(payoff, "best"), ElementsAre("saq"));
  EXPECT_THAT(column(payoff, "points"), ElementsAre(11));
  EXPECT_THAT(section.notes, Contains(HasSubstr("plain + secded:64 (12.5 % more bits) keeps")));
  for (const PageFigure& one : defences_section(some_arms(2)).figures) {
    EXPECT_NE(one.id, "payoff");
  }
}

TEST(DefenceFigures, TheChosenCellIsTaken) {
  const TestStore test;
  for (const char* name : {"a", "b"}) {
    test.add_trials(
        name, {{FaultKind::flip, 0.01, 0, 50, 4, 3, 10}, {FaultKind::flip, 0.05, 0, 40, 4, 3, 10}});
  }
  PageInputs inputs = read_page(test.path());
  StudyClaim claim;
  claim.chosen = true;
  claim.rate = 0.01;
  inputs.claims = {claim};
  const PageSection section = defences_section(inputs);
  EXPECT_THAT(section.notes, Contains(HasSubstr("flip at rate 0.01 (the study's chosen cell)")));
}

}  // namespace
}  // namespace flatenn
