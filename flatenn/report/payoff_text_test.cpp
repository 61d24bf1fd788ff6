#include "flatenn/report/payoff_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<Payoff> one_payoff() {
  return {{"plain + secded:64",
           {64, 8, 0, 0},
           FaultKind::flip,
           {{0.001, "saq", {8, 1, 7.5, 8.5, 3}, true},
            {0.01, "saq", {2, 0, -kInfinity, kInfinity, 1}}}}};
}

TEST(PayoffText, ARowARateAndASentenceAnArm) {
  const std::string text = payoff_text(one_payoff());
  for (const char* words : {"plain + secded:64", "72", "12.50", "0.001", "saq", "+8.00",
                            "[7.50, 8.50]*", "protection", "open", "up to rate 0.001;"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_THAT(text, Not(HasSubstr("inf")));
}

TEST(PayoffJson, HoldsTheFigures) {
  const auto json = payoff_json(one_payoff()).at(0);
  EXPECT_EQ(json["arm"], "plain + secded:64");
  EXPECT_EQ(json["kind"], "flip");
  EXPECT_EQ(json["stored_bits"], 72);
  EXPECT_EQ(json["overhead_percent"], 12.5);
  EXPECT_EQ(json["pays_up_to"], 0.001);
  EXPECT_EQ(json["beaten_from"], nullptr);
  EXPECT_EQ(json["rates"][0]["keeps_more"], "protection");
  EXPECT_EQ(json["rates"][0]["best"], "saq");
  EXPECT_EQ(json["rates"][0]["few_decide"], true);
  EXPECT_EQ(json["rates"][1]["lo"], nullptr);
  EXPECT_EQ(json["words"], payoff_words(one_payoff()[0]));
}

}  // namespace
}  // namespace flatenn
