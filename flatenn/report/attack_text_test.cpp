#include "flatenn/report/attack_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flatenn {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

/// Two flips, found in one run by search and in two by chance.
AttackResult example() {
  AttackResult result;
  result.label = "standard";
  result.dataset = "synthetic";
  result.test_split = "test";
  result.known_split = "validation";
  result.memory_bits = 400;
  result.exposed_bits = 300;
  result.test_images = 200;
  result.known_images = 50;
  result.tensors = {"fc1.weight", "fc2.weight"};
  result.known = {0.25, 92};
  result.clean_correct = 180;
  result.outcomes.push_back(
      {AttackMethod::progressive, 2, {{0, {7, 3}, {2.5, 40}, 60, 2, {0, 2}}}});
  result.outcomes.push_back(
      {AttackMethod::random,
       2,
       {{0, {1, 2}, {0.25, 92}, 150, 0, {2, 0}}, {1, {3, 399}, {0.5, 88}, 178, 1, {1, 1}}}});
  return result;
}

TEST(AttackText, ARowABudgetAndMethod) {
  const std::string text = attack_text({example()});
  EXPECT_THAT(text, HasSubstr("standard: 90.00 % of 200 test images of synthetic"));
  EXPECT_THAT(text, HasSubstr("300 of 400 stored bits exposed"));
  EXPECT_THAT(text, HasSubstr("know 50 validation images, on which the loss is 0.250"));
  EXPECT_THAT(text, ContainsRegex("2 +progressive +2 +30.00 +30.00 +30.00 +2.500 +100 +1 of 2, "
                                  "most fc2.weight +1\n"));
  // The run with the larger loss stands for the method, though another one cost more.
  EXPECT_THAT(text, ContainsRegex("2 +random +2 +89.00 +82.00 +75.00 +0.500 +50 +2 of 2, "
                                  "most fc1.weight +2\n"));
}

TEST(AttackText, AnAttackThatFoundNothing) {
  AttackResult result = example();
  result.outcomes = {{AttackMethod::gradient, 1, {{0, {}, {0.25, 92}, 180, 0, {0, 0}}}}};
  EXPECT_THAT(attack_text({result}),
              ContainsRegex("1 +gradient +0 +90.00 +90.00 +90.00 +0.250 +0 +none +1\n"));
}

TEST(AttackText, JsonHoldsEveryRun) {
  const auto json = attack_json({example()});
  EXPECT_EQ(json["format"], 1);
  const auto& model = json["models"][0];
  EXPECT_EQ(model["clean"], 90);
  const auto& random = model["attacks"][1];
  EXPECT_EQ(random["method"], "random");
  EXPECT_EQ(random["accuracy"], 89);
  EXPECT_EQ(random["worst_accuracy"], 75);
  EXPECT_EQ(random["mean_accuracy"], 82);
  EXPECT_EQ(random["strongest"], 1);
  ASSERT_EQ(random["runs"].size(), 2u);
  EXPECT_EQ(random["runs"][1]["cells"], (std::vector<int>{3, 399}));
  EXPECT_EQ(random["runs"][0]["layers"].dump(), R"({"fc1.weight":2})");
}

}  // namespace
}  // namespace flatenn
