#include "flatenn/report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "flatenn/base/error.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr Standing kFront = Standing::front, kBeaten = Standing::beaten,
                   kUnknown = Standing::unknown;

std::function<void(Subject&)> sparse(double percent) {
  return [percent](Subject& subject) { subject.sparsity = percent; };
}

/// Three arms of known sparsity on three maps: b keeps 10 points more than a, c keeps 5 more.
std::vector<Arm> three_arms() {
  const TestStore test;
  test.add("a", 90, {{0, 50}, {1, 60}, {2, 70}}, sparse(60));
  test.add("b", 88, {{0, 61}, {1, 69}, {2, 80}}, sparse(50));
  test.add("c", 86, {{0, 55}, {1, 65}, {2, 75}}, sparse(80));
  return read_arms(test.store());
}

TEST(CompareArms, EveryPairOnTheSameMaps) {
  const Comparison comparison = compare_arms(three_arms());
  EXPECT_EQ(comparison.maps, 3u);
  ASSERT_EQ(comparison.pairs.size(), 3u);
  const ComparedPair& pair = comparison.pairs[0];
  EXPECT_EQ(pair.first, "b");
  EXPECT_EQ(pair.second, "a");
  EXPECT_DOUBLE_EQ(pair.paired.difference.mean, 10);  // of 11, 9 and 10
  EXPECT_EQ(pair.paired.difference.n, 3u);
  EXPECT_NEAR(pair.paired.difference.lo, 10 - 4.303 / 1.732, 1e-3);
  EXPECT_DOUBLE_EQ(pair.paired.sign_flip_p, 0.25);  // three maps: two of eight patterns
  EXPECT_DOUBLE_EQ(pair.p_adjusted, 0.75);
  EXPECT_EQ(pair.seeds, 1u);
  EXPECT_EQ(pair.seeds_agree, 1u);
  EXPECT_EQ(comparison.pairs[1].first, "c");
  EXPECT_EQ(comparison.pairs[2].second, "b");
}

TEST(CompareArms, WithABaselineEveryArmToItAlone) {
  const Comparison comparison = compare_arms(three_arms(), {{}, {}, "b", false});
  ASSERT_EQ(comparison.pairs.size(), 2u);
  for (const ComparedPair& pair : comparison.pairs) EXPECT_EQ(pair.second, "b");
  EXPECT_DOUBLE_EQ(comparison.pairs[0].paired.difference.mean, -10);
  EXPECT_DOUBLE_EQ(comparison.pairs[0].p_adjusted, 0.5);  // of two pairs
}

TEST(CompareArms, ABaselineIsFoundByItsLabelToo) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 50}});
  test.add("b-seed0", 90, {{0, 60}});
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_EQ(compare_arms(arms, {{}, {}, "b", false}).baseline, "b-seed0");
  EXPECT_EQ(compare_arms(arms, {{}, {}, "b-seed0", false}).baseline, "b-seed0");
  EXPECT_THAT(
      [&] {
        compare_arms(arms, {{}, {}, "b-sed0", false});
      },
      ThrowsMessage<Error>(HasSubstr("did you mean 'b-seed0'?")));
}

TEST(CompareArms, ABaselineThatCouldBeTwoIsRefused) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 50}});
  test.add("a-seed0", 90, {{0, 50}}, [](Subject& s) { s.exposure = "fc*"; });
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_THAT(
      [&] {
        compare_arms(arms, {{}, {}, "a", false});
      },
      ThrowsMessage<Error>(HasSubstr("name one of them")));
}

TEST(CompareArms, DropsTakeEachArmsOwnCleanAccuracyAway) {
  const Comparison comparison = compare_arms(three_arms(), {{}, {}, "", true});
  EXPECT_DOUBLE_EQ(comparison.arms[0].faulty.mean, -30);             // 60 of 90
  EXPECT_DOUBLE_EQ(comparison.pairs[0].paired.difference.mean, 12);  // -18 - -30
  EXPECT_DOUBLE_EQ(comparison.pairs[1].paired.difference.mean, 9);   // -21 - -30
  EXPECT_LE(comparison.arms[0].faulty.lo, -30);
}

TEST(CompareArms, SeedsArePairedByTheirNumber) {
  const TestStore test;
  test.add("a-seed0", 90, {{0, 50}, {1, 52}});
  test.add("a-seed1", 80, {{0, 60}, {1, 62}, {2, 9}});
  test.add("a-seed2", 90, {{0, 50}, {1, 50}});
  test.add("b-seed1", 90, {{0, 59}, {1, 61}});
  test.add("b-seed0", 90, {{0, 70}, {1, 72}, {2, 99}});
  const std::vector<Arm> arms = read_arms(test.store());
  const Comparison comparison = compare_arms(arms);
  ASSERT_EQ(comparison.pairs.size(), 1u);
  const ComparedPair& pair = comparison.pairs[0];
  EXPECT_GT(pair.paired.difference.mean, 0);
  EXPECT_EQ(pair.seeds, 2u);        // a's third seed has no other half
  EXPECT_EQ(pair.seeds_agree, 1u);  // seed 1 has b below a
  EXPECT_EQ(comparison.arms[0].seeds, 3u);
  // From its own clean accuracy, b falls further in seed 1 (30 from 90) than a (19 from 80).
  EXPECT_EQ(compare_arms(arms, {{}, {}, "", true}).pairs[0].seeds_agree, 1u);
}

TEST(CompareArms, RoundingIsNoDifference) {
  const TestStore test;
  const std::vector<std::uint64_t> correct = {31, 46, 58};  // their mean depends on their order
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string seed = "-seed" + std::to_string(i);
    test.add("a" + seed, 40 + correct[i], {{0, correct[i]}, {1, correct[i]}});
    test.add("b" + seed, 40 + correct[2 - i], {{0, correct[2 - i]}, {1, correct[2 - i]}});
  }
  for (const bool on_drop : {false, true}) {
    const Comparison comparison = compare_arms(read_arms(test.store()), {{}, {}, "", on_drop});
    EXPECT_EQ(comparison.pairs[0].paired.difference.mean, 0);
    EXPECT_EQ(comparison.pairs[0].paired.sign_flip_p, 1);
  }
}

TEST(CompareArms, OnlyCommonMapsCount) {
  const TestStore test;
  test.add("a", 90, {{0, 10}, {1, 60}, {2, 70}});
  test.add("b", 90, {{1, 64}, {2, 76}, {3, 10}});
  const Comparison comparison = compare_arms(read_arms(test.store()));
  EXPECT_EQ(comparison.maps, 2u);
  EXPECT_DOUBLE_EQ(comparison.arms[0].faulty.mean, 65);
  EXPECT_DOUBLE_EQ(comparison.pairs[0].paired.difference.mean, 5);
}

TEST(CompareArms, OneMapHasNoInterval) {
  const TestStore test;
  test.add("a", 90, {{0, 10}});
  test.add("b", 90, {{0, 64}});
  const Comparison comparison = compare_arms(read_arms(test.store()));
  EXPECT_TRUE(std::isinf(comparison.pairs[0].paired.difference.lo));
  EXPECT_EQ(comparison.pairs[0].p_adjusted, 1);
}

TEST(CompareArms, FrontsAreOfTheMeans) {
  std::vector<Arm> arms = three_arms();
  arms[0].training_seconds = 10;
  arms[1].training_seconds = 20;
  arms[2].training_seconds = 20;
  const Comparison comparison = compare_arms(arms);
  ASSERT_EQ(comparison.fronts.size(), 4u);
  // Under faults 60, 70, 65.
  EXPECT_THAT(comparison.fronts[0].standings, ElementsAre(kFront, kFront, kBeaten));  // 90 88 86
  EXPECT_THAT(comparison.fronts[1].standings, ElementsAre(kBeaten, kFront, kFront));  // 60 50 80
  EXPECT_THAT(comparison.fronts[2].standings, ElementsAre(kFront, kFront, kBeaten));  // 10 20 20
  EXPECT_THAT(comparison.fronts[3].standings, ElementsAre(kFront, kFront, kFront));
  EXPECT_THAT(comparison.fronts[3].criteria,
              ElementsAre(Criterion::faulty, Criterion::clean, Criterion::sparsity,
                          Criterion::training_time));
}

TEST(CompareArms, WhatIsNotKnownIsLeftOutAndSaid) {
  std::vector<Arm> arms = three_arms();
  arms[1].sparsity = -1;
  const Comparison comparison = compare_arms(arms);
  ASSERT_EQ(comparison.fronts.size(), 3u);
  EXPECT_THAT(comparison.fronts[1].standings, ElementsAre(kBeaten, kUnknown, kFront));
  EXPECT_THAT(comparison.fronts[2].standings, ElementsAre(kFront, kUnknown, kFront));
  EXPECT_THAT(comparison.notes, testing::Contains(HasSubstr("sparsity is not known of b")));
  EXPECT_THAT(comparison.notes, testing::Contains(HasSubstr("training time is not known and")));
}

/// One network behind nothing, a code and protected cells; another behind nothing.
std::vector<Arm> protected_arms() {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  test.add("a", 90, {{0, 50}, {1, 60}}, unprotected(layout));
  test.add("b", 90, {{0, 70}, {1, 80}}, unprotected(layout));
  test.add("a", 90, {{0, 80}, {1, 92}}, behind("secded:64", layout));
  test.add("a", 90, {{0, 60}, {1, 72}}, behind("protect:1", layout));
  return read_arms(test.store());
}

TEST(CompareArms, ProtectedMemoriesAreComparedInStoredBits) {
  const Comparison comparison = compare_arms(protected_arms());
  EXPECT_TRUE(any_protected(comparison));
  ASSERT_EQ(comparison.arms.size(), 4u);
  EXPECT_EQ(comparison.subject.source, "");
  EXPECT_EQ(criterion_value(comparison.arms[2], Criterion::stored_bits), 72);
  EXPECT_EQ(comparison.arms[3].stored->hardened, 16u);
  ASSERT_EQ(comparison.fronts.size(), 3u);  // sparsity and time are not known
  EXPECT_THAT(comparison.fronts[1].criteria,
              ElementsAre(Criterion::faulty, Criterion::stored_bits));
  EXPECT_THAT(comparison.fronts[1].standings, ElementsAre(kBeaten, kFront, kFront, kBeaten));
  ASSERT_EQ(comparison.payoffs.size(), 1u);
  EXPECT_EQ(comparison.payoffs[0].arm, "a + secded:64");
  EXPECT_EQ(comparison.payoffs[0].cells.at(0).best, "b");
}

TEST(CompareArms, EqualBitsHaveNoFront) {
  std::vector<Arm> arms = protected_arms();
  arms.erase(arms.begin() + 2);  // the code
  const Comparison comparison = compare_arms(arms);
  EXPECT_EQ(comparison.fronts.size(), 2u);
  EXPECT_THAT(comparison.notes, testing::Not(testing::Contains(HasSubstr("stored memory"))));
  EXPECT_TRUE(comparison.payoffs.empty());
}

TEST(CompareArms, ABaselineIsTheUnprotectedOneUnlessSaid) {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  test.add("a-seed0", 90, {{0, 50}}, unprotected(layout));
  test.add("a-seed0", 90, {{0, 60}}, behind("secded:64", layout));
  const std::vector<Arm> arms = read_arms(test.store());
  EXPECT_EQ(compare_arms(arms, {{}, {}, "a", false}).baseline, "a-seed0");
  EXPECT_EQ(compare_arms(arms, {{}, {}, "a + secded:64", false}).baseline, "a-seed0 + secded:64");
}

TEST(CompareArms, AWeakTestIsSaid) {
  EXPECT_THAT(compare_arms(three_arms()).notes,
              testing::Contains(HasSubstr("with 3 fault maps and 3 pairs no adjusted p can lie "
                                          "below 0.75")));
}

TEST(CompareArms, MistakesAreErrors) {
  const std::vector<Arm> arms = three_arms();
  EXPECT_THAT([&] { compare_arms({arms[0]}); }, ThrowsMessage<Error>(HasSubstr("one arm alone")));
  ComparisonOptions options;
  options.cell.rate = 0.5;
  EXPECT_THAT([&] { compare_arms(arms, options); },
              ThrowsMessage<Error>(HasSubstr("there are: flip 0.02")));
}

}  // namespace
}  // namespace flatenn
