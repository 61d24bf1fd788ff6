#include "flatenn/report/comparison_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<Arm> two_arms() {
  const TestStore test;
  const auto sparse = [](Subject& subject) { subject.sparsity = 50; };
  test.add("plain", 90, {{0, 50}, {1, 60}}, sparse);
  test.add("saq", 89, {{0, 66}, {1, 74}}, sparse);
  std::vector<Arm> arms = read_arms(test.store());
  arms[0].training_seconds = 2.25;
  return arms;
}

TEST(ComparisonText, NoFigureStandsAlone) {
  const std::string text = comparison_text(compare_arms(two_arms()));
  for (const char* words :
       {"flip at rate 0.02 (the highest rate of flip that all 2 arms have)",
        "2 fault maps that all 2 arms met", "100 images of synthetic (test split)",
        "all weights exposed, independent cells", "saq \u2212 plain", "+15.00", "0.5000", "1 of 1",
        "95 % t interval", "sign-flip", "Note: training time is not known of saq", "on the front",
        "beaten", "2.2"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
}

TEST(ComparisonText, AnUnboundedIntervalIsADash) {
  const TestStore test;
  test.add("a", 90, {{0, 50}});
  test.add("b", 90, {{0, 60}});
  const std::string text = comparison_text(compare_arms(read_arms(test.store())));
  EXPECT_THAT(text, Not(HasSubstr("inf")));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(ComparisonText, DropsSaySo) {
  const std::string text = comparison_text(compare_arms(two_arms(), {{}, {}, "plain", true}));
  EXPECT_THAT(text, HasSubstr("change, points"));
  EXPECT_THAT(text, HasSubstr("front of change under faults against"));
  EXPECT_THAT(text, HasSubstr("minus the arm's own clean accuracy"));
  EXPECT_THAT(text, HasSubstr("Differences on the same fault maps, to plain"));
}

/// A network without and with a code, and protected cells.
std::vector<Arm> protected_arms() {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  test.add("plain", 90, {{0, 50}, {1, 60}}, unprotected(layout));
  test.add("plain", 90, {{0, 80}, {1, 92}}, behind("secded:64", layout));
  test.add("plain", 90, {{0, 60}, {1, 72}}, behind("protect:1", layout));
  return read_arms(test.store());
}

TEST(ComparisonText, ProtectionsComeWithTheirCosts) {
  const std::string text = comparison_text(compare_arms(protected_arms()));
  for (const char* words :
       {"independent cells", "plain + secded:64", "stored bits", "hardened", "stored memory",
        "Protecting bits against training", "at every measured rate",
        "what they cost depends on the cell", "Payoff: "}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  const std::string plain = comparison_text(compare_arms(two_arms()));
  for (const char* words : {"stored", "hardened", "Payoff", "Protecting"}) {
    EXPECT_THAT(plain, Not(HasSubstr(words)));
  }
}

TEST(ComparisonFiles, HoldProtectionsAndTheirCosts) {
  const Comparison comparison = compare_arms(protected_arms());
  const std::string arms = compared_arms_csv(comparison);
  EXPECT_THAT(arms, HasSubstr(",bits_faulty,protection,stored_bits,hardened_bits,sparsity,"));
  EXPECT_THAT(arms, HasSubstr(",secded:64,72,0,"));
  EXPECT_THAT(arms, HasSubstr(",protect:1,64,16,"));
  const auto json = comparison_json(comparison);
  EXPECT_EQ(json["arms"][1]["protection"], "secded:64");
  EXPECT_EQ(json["arms"][1]["stored_bits"], 72);
  EXPECT_EQ(json["arms"][2]["hardened_bits"], 16);
  EXPECT_EQ(json["fronts"][1]["name"], "stored_bits");
  EXPECT_EQ(json["payoff"][0]["arm"], "plain + secded:64");
  EXPECT_EQ(comparison_json(compare_arms(two_arms()))["arms"][0]["stored_bits"], nullptr);
}

TEST(ComparisonCsv, RowsHoldTheirTerms) {
  const Comparison comparison = compare_arms(two_arms());
  EXPECT_THAT(compared_pairs_csv(comparison), HasSubstr("\nsaq,plain,15,"));
  EXPECT_THAT(compared_pairs_csv(comparison), HasSubstr(",flip,0.02,accuracy,2,100,test,,\n"));
  const std::string arms = compared_arms_csv(comparison);
  EXPECT_THAT(arms, HasSubstr("front_clean,front_sparsity,front_training_seconds,front_all,kind"));
  EXPECT_THAT(arms, HasSubstr(",50,2.25,front,beaten,front,front,flip,"));
  EXPECT_THAT(arms, HasSubstr(",50,,front,front,,,flip,"));
}

TEST(ComparisonJson, HoldsTheFigures) {
  const auto json = comparison_json(compare_arms(two_arms()));
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["baseline"], nullptr);
  EXPECT_EQ(json["arms"][0]["training_seconds"], 2.25);
  EXPECT_EQ(json["arms"][1]["training_seconds"], nullptr);
  EXPECT_EQ(json["pairs"][0]["points"], 15);
  EXPECT_EQ(json["pairs"][0]["seeds_agree"], 1);
  EXPECT_EQ(json["fronts"][0]["name"], "clean");
  EXPECT_THAT(json["fronts"][0]["front"], ElementsAre("plain", "saq"));
  EXPECT_THAT(json["fronts"][1]["beaten"], ElementsAre("plain"));
  EXPECT_THAT(json["fronts"][2]["unknown"], ElementsAre("saq"));
  EXPECT_THAT(json["fronts"][3]["criteria"],
              ElementsAre("faulty", "clean", "sparsity", "training_seconds"));
}

}  // namespace
}  // namespace flatenn
