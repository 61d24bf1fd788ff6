#include "flatenn/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

TEST(Verdict, NothingMeasuredIsSaidPlainly) {
  EXPECT_THAT(verdicts({}),
              ElementsAre(Field(&Verdict::text, HasSubstr("Nothing has been measured"))));
}

TEST(Verdict, ClaimsHoldOrFailAndDropsAreCounted) {
  PageInputs inputs;
  inputs.claims = {{"C3", "code", false, true, true, 16.1, 15.4, 16.8, FaultKind::flip, 0.05},
                   {"C1", "", false, true, false, -0.3, -1, 0.4, FaultKind::flip, 0.05},
                   {"C1", "", false, false, true, 9, 8, 10, FaultKind::flip, 0.01},
                   {"C3", "code", true, true, true, 15, 14, 16, FaultKind::flip, 0.05},
                   {"C1", "", true, true, false, -2, -3, -1, FaultKind::flip, 0.05}};
  const auto list = verdicts(inputs);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].mark, "holds");
  EXPECT_THAT(list[0].text, AllOf(HasSubstr("+16.1"), HasSubstr("[15.4, 16.8]")));
  EXPECT_EQ(list[1].mark, "fails");
  EXPECT_EQ(list[2].mark, "");
  EXPECT_THAT(list[2].text, HasSubstr("1 of the 2 statements hold"));
}

TEST(Verdict, WhoKeepsMostAndLeast) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  test.add("saq", 89, {{0, 68}, {1, 72}});
  const auto list = verdicts(read_page(test.path()));
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0].text, AllOf(HasSubstr("saq keeps most, 70.0"), HasSubstr("plain least, 55.0"),
                                  HasSubstr("of 89.0")));
}

TEST(Verdict, SingleBitsByTheirThreshold) {
  const TestStore test;
  test.add_single_bits();
  PageSourceOptions options;
  options.critical_points = 2.5;
  const auto list = verdicts(read_page(test.path(), options));
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0].text, HasSubstr("cost more than 2.5 points of accuracy"));
}

TEST(Verdict, ChangesFromStoreToStore) {
  const TestStore before, after;
  before.add("plain", 90, {{0, 50}, {1, 60}, {2, 55}});
  after.add("plain", 90, {{0, 58}, {1, 68}, {2, 63}}, [](Subject& s) { s.model_hash = "better"; });
  const auto list = verdicts(read_comparison(before.path(), after.path()));
  EXPECT_THAT(list.back().text, HasSubstr("plain changes by +8.0"));
}

}  // namespace
}  // namespace flatenn
