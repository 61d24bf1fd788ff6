#include "flatenn/report/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flatenn {
namespace {

TEST(Svg, TextIsEscaped) { EXPECT_EQ(svg_escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;"); }

TEST(Svg, StepsAreRound) {
  EXPECT_DOUBLE_EQ(svg_step(5), 1);
  EXPECT_DOUBLE_EQ(svg_step(6), 2);
  EXPECT_DOUBLE_EQ(svg_step(22), 5);
  EXPECT_DOUBLE_EQ(svg_step(45), 10);
  EXPECT_DOUBLE_EQ(svg_step(0.003), 0.001);
}

TEST(Svg, ColoursRepeatInRounds) {
  EXPECT_STREQ(svg_colour(0), svg_colour(7));
  EXPECT_STRNE(svg_colour(0), svg_colour(6));
  EXPECT_EQ(svg_round(6), 0u);
  EXPECT_EQ(svg_round(7), 1u);
}

}  // namespace
}  // namespace flatenn
