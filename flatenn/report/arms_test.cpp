#include "flatenn/report/arms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SplitSeed, TakesTheEndingOfStudiesAlone) {
  EXPECT_EQ(split_seed("sparse-saq-seed12"),
            std::pair(std::string("sparse-saq"), std::string("12")));
  EXPECT_EQ(split_seed("net").second, "");
  EXPECT_EQ(split_seed("net-seedling").second, "");
  EXPECT_EQ(split_seed("net-seed").second, "");
  EXPECT_EQ(split_seed("-seed1").first, "-seed1");
}

TEST(ReadArms, SeedsAreAveragedMapByMap) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 80}, {1, 70}, {2, 60}});
  test.add("a-seed1", 92, {{0, 60}, {1, 60}});
  const std::vector<Arm> arms = read_arms(test.store());
  ASSERT_EQ(arms.size(), 1u);
  const Arm& arm = arms[0];
  EXPECT_EQ(arm.name, "a");
  EXPECT_THAT(arm.labels, ElementsAre("a-seed0", "a-seed1"));
  EXPECT_DOUBLE_EQ(arm.clean, 91);
  EXPECT_LE(arm.clean_lo, 91);
  EXPECT_GE(arm.clean_hi, 91);
  EXPECT_EQ(arm.trials, 5u);
  ASSERT_EQ(arm.cells.size(), 1u);
  // Map 2 is missing in one seed: it would mix what maps do with what seeds do.
  EXPECT_THAT(arm.cells[0].maps, ElementsAre(0u, 1u));
  EXPECT_THAT(arm.cells[0].accuracies, ElementsAre(70, 65));
  EXPECT_THAT(arm.cells[0].seed_means, ElementsAre(75, 60));
  EXPECT_THAT(arm.cells[0].seed_accuracies, ElementsAre(ElementsAre(80, 70), ElementsAre(60, 60)));
  EXPECT_DOUBLE_EQ(arm.cells[0].summary.mean, 67.5);
  EXPECT_EQ(arm.cells[0].summary.maps, 2u);
}

TEST(ReadArms, OneNetworkIsWhatItsSummarySays) {
  const TestStore test;
  test.add("net", 90, {{0, 80}, {1, 70}, {5, 30}});
  const Arm arm = read_arms(test.store()).at(0);
  const SubjectSummary summary = summarize(test.store()).at(0);
  EXPECT_EQ(arm.name, "net");
  EXPECT_EQ(arm.cells.at(0).summary.mean, summary.cells.at(0).mean);
  EXPECT_EQ(arm.cells.at(0).summary.lo, summary.cells.at(0).lo);
  EXPECT_EQ(arm.cells.at(0).summary.anytime_hi, summary.cells.at(0).anytime_hi);
  EXPECT_EQ(arm.clean_lo, summary.clean_lo);
  EXPECT_EQ(arm.cells.at(0).summary.changed_bits, summary.cells.at(0).changed_bits);
}

TEST(ReadArms, OtherFaultsMakeOtherArmsWithOtherNames) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 80}});
  test.add("a-seed1", 90, {{0, 80}}, [](Subject& s) { s.seed = 7; });
  test.add("a-seed0", 90, {{0, 80}}, [](Subject& s) { s.exposure = "conv1.weight"; });
  test.add("a-seed0", 91, {{0, 80}}, [](Subject& s) { s.model_hash = "another"; });
  std::vector<std::string> names;
  for (const Arm& arm : read_arms(test.store())) names.push_back(arm.name);
  EXPECT_THAT(names, ElementsAre("a-seed0 (all weights)", "a-seed1", "a-seed0 (conv1.weight)",
                                 "a-seed0 (all weights) #2"));
}

TEST(ReadArms, AProtectionMakesAnArmOfItsOwn) {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  for (const char* label : {"a-seed0", "a-seed1", "b"}) {
    test.add(label, 90, {{0, 80}}, unprotected(layout));
    test.add(label, 90, {{0, 85}}, behind("secded:64", layout));
  }
  test.add("b", 90, {{0, 85}}, behind("protect:1", layout));
  std::vector<std::string> names;
  for (const Arm& arm : read_arms(test.store())) names.push_back(arm.name);
  EXPECT_THAT(names, ElementsAre("a", "a + secded:64", "b", "b + secded:64", "b + protect:1"));
  const std::vector<Arm> arms = read_arms(test.store(), {}, {"b", "a + secded:64"});
  ASSERT_EQ(arms.size(), 4u);  // b behind everything
  EXPECT_EQ(arms[0].stored, (ProtectionCost{64, 0, 0, 0}));
  EXPECT_EQ(arms[1].stored, (ProtectionCost{64, 8, 0, 0}));
  EXPECT_EQ(arms[2].stored, (ProtectionCost{.data = 64, .hardened = 16}));
  EXPECT_EQ(arms[3].name, "a + secded:64");
  EXPECT_EQ(arms[3].protection, "secded:64");
  EXPECT_EQ(arms[3].labels.size(), 2u);
  EXPECT_EQ(read_arms(test.store(), {}, {"a-seed1 + secded:64"}).at(0).name, "a-seed1 + secded:64");
  EXPECT_THROW(read_arms(test.store(), {}, {"a + protect:1"}), Error);
}

TEST(ReadArms, WithoutALayoutTheBitsAreNotKnown) {
  const TestStore test;
  test.add("a", 90, {{0, 80}});
  EXPECT_EQ(read_arms(test.store()).at(0).stored, std::nullopt);
}

TEST(ReadArms, ChoosesNetworksAndArmsInTheAskedOrder) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 80}});
  test.add("a-seed1", 90, {{0, 80}});
  test.add("b", 90, {{0, 80}});
  const std::vector<Arm> arms = read_arms(test.store(), {}, {"b", "a"});
  ASSERT_EQ(arms.size(), 2u);
  EXPECT_EQ(arms[0].name, "b");
  EXPECT_EQ(arms[1].labels.size(), 2u);
  EXPECT_EQ(read_arms(test.store(), {}, {"a-seed1"}).at(0).name, "a-seed1");
  try {
    read_arms(test.store(), {}, {"c"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'c'"));
  }
}

TEST(ReadArms, CountsTheAskedMaps) {
  const TestStore test;
  test.add("net", 90, {{0, 80}, {10'000, 20}});
  EXPECT_THAT(read_arms(test.store(), {0, 10'000}).at(0).cells.at(0).maps, ElementsAre(0u));
}

}  // namespace
}  // namespace flatenn
