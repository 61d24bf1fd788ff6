#include "flatenn/report/comparable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// One map's trial.
Trial trial(FaultKind kind, double rate, std::uint64_t map) {
  return {kind, rate, map, 50, 4, 3, 10};
}

TEST(Comparable, TheHighestRateOfTheFirstKindThatAllHave) {
  const TestStore test;
  test.add_trials("a", {trial(FaultKind::flip, 0.01, 0), trial(FaultKind::flip, 0.05, 0),
                        trial(FaultKind::flip, 0.1, 0), trial(FaultKind::stuck0, 0.2, 0)});
  test.add_trials("b", {trial(FaultKind::flip, 0.01, 0), trial(FaultKind::flip, 0.05, 0),
                        trial(FaultKind::stuck0, 0.2, 0)});
  const Comparable found = find_comparable(read_arms(test.store()));
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.cell, (FaultCell{FaultKind::flip, 0.05}));
  EXPECT_EQ(found.cell_reason, "the highest rate of flip that all 2 arms have");
  EXPECT_THAT(found.arms, ElementsAre(0u, 1u));
  EXPECT_THAT(found.maps, ElementsAre(0u));
  EXPECT_THAT(found.notes, IsEmpty());
}

TEST(Comparable, TheChosenCellComesFirstUnlessAnotherIsAskedFor) {
  const TestStore test;
  for (const char* name : {"a", "b"}) {
    test.add_trials(name, {trial(FaultKind::flip, 0.01, 0), trial(FaultKind::flip, 0.0512345678, 0),
                           trial(FaultKind::stuck1, 0.01, 0)});
  }
  const std::vector<Arm> arms = read_arms(test.store());
  const FaultCell chosen{FaultKind::stuck1, 0.01};
  EXPECT_EQ(find_comparable(arms, {}, chosen).cell, chosen);
  EXPECT_EQ(find_comparable(arms, {}, chosen).cell_reason, "the study's chosen cell");
  EXPECT_EQ(find_comparable(arms, {{}, 0.01}, chosen).cell, chosen);
  EXPECT_EQ(find_comparable(arms, {{}, 0.01}).cell, (FaultCell{FaultKind::flip, 0.01}));
  const Comparable typed = find_comparable(arms, {FaultKind::flip, 0.0512346}, chosen);
  EXPECT_EQ(typed.cell.rate, 0.0512345678);  // as it is printed
  EXPECT_EQ(typed.cell_reason, "as asked");
  EXPECT_EQ(find_comparable(arms, {FaultKind::flip, {}}, chosen).cell.rate, 0.0512345678);
  // A cell that nobody was measured in cannot be taken.
  EXPECT_EQ(find_comparable(arms, {}, FaultCell{FaultKind::stuck, 0.5}).cell.kind, FaultKind::flip);
}

TEST(Comparable, WhoCannotBeComparedIsNamed) {
  const TestStore test;
  test.add("a", 90, {{0, 50}, {1, 60}, {2, 70}});
  test.add("other", 90, {{0, 50}, {1, 60}}, [](Subject& s) { s.seed = 3; });
  test.add("b", 90, {{1, 64}, {2, 76}});
  test.add("idle", 90, {});
  test.add("far", 90, {{8, 50}});
  test.add_trials("cell", {trial(FaultKind::flip, 0.3, 0)});
  test.add_single_bits();
  const Comparable found = find_comparable(read_arms(test.store()));
  EXPECT_THAT(found.arms, ElementsAre(0u, 2u));
  EXPECT_THAT(found.maps, ElementsAre(1u, 2u));
  EXPECT_THAT(found.notes,
              ElementsAre("other is left out: other faults or other images",
                          "idle is left out: no trials under faults",
                          "far is left out: no fault map in common",
                          "cell is left out: not measured under flip at rate 0.02",
                          HasSubstr("single cells were tried"),
                          "only the 2 fault maps that all met count; there are more of a 3"));
}

TEST(Comparable, AsManyArmsAsShareMaps) {
  const TestStore test;
  test.add("a", 90, {{0, 50}});
  test.add("b", 90, {{1, 50}});
  test.add("c", 90, {{1, 50}, {2, 40}});
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_THAT(find_comparable(arms).arms, ElementsAre(1u, 2u));
  EXPECT_THAT(find_comparable(arms, {}, {}, 2).arms, ElementsAre(1u, 2u));
  EXPECT_THAT(find_comparable(arms, {}, {}, 0).problem, HasSubstr("never met the same"));
}

TEST(Comparable, TheBaselineIsAmongThem) {
  const TestStore test;
  const auto other = [](Subject& s) { s.seed = 3; };
  for (const char* name : {"a", "b", "c"}) test.add(name, 90, {{0, 50}});
  for (const char* name : {"d", "e"}) test.add(name, 90, {{0, 50}}, other);
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_THAT(find_comparable(arms).arms, ElementsAre(0u, 1u, 2u));
  const Comparable found = find_comparable(arms, {}, {}, 4);
  EXPECT_THAT(found.arms, ElementsAre(3u, 4u));
  EXPECT_EQ(found.cell_reason, "the highest rate of flip that most arms, 2 of 5, have");
}

TEST(Comparable, NothingToCompareIsSaidInALine) {
  const TestStore test;
  EXPECT_THAT(find_comparable(read_arms(test.store())).problem, HasSubstr("no arms"));
  test.add("a", 90, {{0, 50}});
  EXPECT_THAT(find_comparable(read_arms(test.store())).problem, HasSubstr("one arm alone, 'a'"));
  test.add("b", 90, {{0, 50}}, [](Subject& s) { s.images = 99; });
  const std::vector<Arm> apart = read_arms(test.store());
  EXPECT_THAT(find_comparable(apart).problem, HasSubstr("no two arms met the same faults"));
  EXPECT_THAT(find_comparable(apart, {}, {}, 1).problem, HasSubstr("no other arm and 'b'"));
  test.add("c", 90, {{0, 50}});
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_EQ(find_comparable(arms, {FaultKind::stuck0, 0.1}).problem,
            "no cell stuck0 at rate 0.1 that two arms have; there are: flip 0.02");
}

}  // namespace
}  // namespace flatenn
