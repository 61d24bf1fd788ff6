#include "flatenn/report/payoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Three maps a rate, from 0.001 up, that keep `correct` and a little more.
std::vector<Trial> trials(const std::vector<std::uint64_t>& correct) {
  std::vector<Trial> list;
  for (std::size_t r = 0; r < correct.size(); ++r) {
    const double rate = 0.001 * static_cast<double>(r + 1);
    for (std::uint64_t map = 0; map < 3; ++map) {
      list.push_back({FaultKind::flip, rate, map, correct[r] + map, 4, 3, 10});
    }
  }
  return list;
}

/// A code that pays at the two lowest of four rates, against two trainings.
std::vector<Arm> some_arms() {
  const TestStore test;
  test.add_trials("plain", trials({80, 70, 60, 30}), unprotected("fc.weight 16x4"));
  test.add_trials("saq", trials({79, 75, 72, 60}), unprotected("fc.weight 16x4"));
  test.add_trials("plain", trials({88, 85, 72, 40}), behind("secded:64", "fc.weight 16x4"));
  test.add_trials("saq", trials({86, 86, 86, 86}), behind("secded:64", "fc.weight 16x4"));
  test.add_trials("plain", trials({89, 89, 89, 89}),
                  behind("headroom:2+bound:1", "fc.weight 16x4"));
  return read_arms(test.store());
}

TEST(Payoff, SetsProtectedArmsAgainstTheBestUnprotectedOne) {
  const std::vector<Payoff> found = payoffs(some_arms(), FaultKind::flip);
  ASSERT_THAT(found, SizeIs(2));  // headroom and bounds store no bits
  const Payoff& plain = found[0];
  EXPECT_EQ(plain.arm, "plain + secded:64");
  EXPECT_EQ(plain.cost, (ProtectionCost{64, 8, 0, 0}));
  ASSERT_THAT(plain.cells, SizeIs(4));
  std::vector<std::string> best;
  std::vector<double> points;
  std::vector<Payer> payers;
  for (const PayoffCell& cell : plain.cells) {
    best.push_back(cell.best);
    points.push_back(cell.points.mean);
    payers.push_back(cell.payer());
    EXPECT_EQ(cell.points.n, 3u);
  }
  EXPECT_THAT(best, ElementsAre("plain", "saq", "saq", "saq"));
  EXPECT_THAT(points, ElementsAre(8, 10, 0, -20));
  EXPECT_THAT(payers,
              ElementsAre(Payer::protection, Payer::protection, Payer::open, Payer::training));
  EXPECT_EQ(plain.pays_up_to(), 0.002);
  EXPECT_EQ(plain.beaten_from(), 0.004);
  EXPECT_EQ(payoff_words(plain),
            "plain + secded:64 (12.5 % more bits) keeps more than the best unprotected arm up to "
            "rate 0.002; less from rate 0.004 on; not shown either way at rate 0.003");
}

TEST(Payoff, EverywhereAndNever) {
  const std::vector<Payoff> found = payoffs(some_arms(), FaultKind::flip);
  EXPECT_EQ(payoff_words(found[1]),
            "saq + secded:64 (12.5 % more bits) keeps more than the best unprotected arm at every "
            "measured rate");
  EXPECT_EQ(found[1].pays_up_to(), 0.004);
  EXPECT_EQ(found[1].beaten_from(), std::nullopt);
  Payoff never{"a", {}, FaultKind::flip, {{0.1, "b", {-1, 1, -2, -0.5, 3}}}};
  EXPECT_EQ(never.pays_up_to(), std::nullopt);
  EXPECT_EQ(never.beaten_from(), 0.1);
  EXPECT_EQ(payoff_words(never),
            "a (0 % more bits) keeps more than the best unprotected arm at no measured rate; less "
            "at every measured rate");
}

TEST(Payoff, ABaselineNamesTheNetwork) {
  const std::vector<Arm> arms = some_arms();
  const std::vector<Payoff> found = payoffs(arms, FaultKind::flip, 1);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].arm, "saq + secded:64");
  EXPECT_THAT(payoffs(arms, FaultKind::stuck0), IsEmpty());
}

TEST(Payoff, DropsAreFromEachArmsOwnCleanAccuracy) {
  std::vector<Arm> arms = some_arms();
  arms[2].clean -= 5;  // of the protected plain network
  const std::vector<Payoff> found = payoffs(arms, FaultKind::flip, {}, true);
  EXPECT_DOUBLE_EQ(found[0].cells[0].points.mean, 13);
}

TEST(Payoff, WithoutAnUnprotectedArmNothingIsSaid) {
  std::vector<Arm> arms = some_arms();
  std::erase_if(arms, [](const Arm& arm) { return arm.protection.empty(); });
  EXPECT_THAT(payoffs(arms, FaultKind::flip), IsEmpty());
}

TEST(Payoff, AnIntervalThatFewMapsDecideIsMarked) {
  const TestStore test;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> plain, guarded;
  for (std::uint64_t map = 0; map < 9; ++map) {
    plain.emplace_back(map, 50 + map % 2);
    guarded.emplace_back(map, map == 8 ? 10 : 60);
  }
  test.add("plain", 90, plain, unprotected("fc.weight 16x4"));
  test.add("plain", 90, guarded, behind("secded:64", "fc.weight 16x4"));
  EXPECT_TRUE(payoffs(read_arms(test.store()), FaultKind::flip).at(0).cells.at(0).few_decide);
  EXPECT_FALSE(payoffs(some_arms(), FaultKind::flip).at(0).cells.at(0).few_decide);
}

TEST(Payoff, OneMapDecidesNothing) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}}, unprotected("fc.weight 16x4"));
  test.add("plain", 90, {{0, 80}}, behind("secded:64", "fc.weight 16x4"));
  const std::vector<Payoff> found = payoffs(read_arms(test.store()), FaultKind::flip);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cells.at(0).payer(), Payer::open);
  EXPECT_THAT(payoff_words(found[0]), testing::HasSubstr("not shown either way at every"));
}

}  // namespace
}  // namespace flatenn
