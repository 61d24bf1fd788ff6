#include "flatenn/config/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Grid, OneNumberListAndGrid) {
  EXPECT_THAT(expand_grid("0.1", "x"), ElementsAre(0.1));
  EXPECT_THAT(expand_grid("0.1, 2,1e-3", "x"), ElementsAre(0.1, 2, 1e-3));
  EXPECT_THAT(expand_grid("0.001..0.1:3", "x"), ElementsAre(0.001, 0.01, 0.1));
  EXPECT_THAT(expand_grid("8..1:4", "x"), ElementsAre(8, 4, 2, 1));
  EXPECT_THAT(expand_grid("0,1..4:3,9", "x"), ElementsAre(0, 1, 2, 4, 9));
}

// Results are keyed by these values.
TEST(Grid, GoldenValuesOfTheReadmeGrid) {
  EXPECT_THAT(expand_grid("1e-3..5e-2:8", "x"),
              ElementsAre(0.001, 0.00174868, 0.00305788, 0.00534724, 0.00935061, 0.0163512,
                          0.028593, 0.05));
}

RC_GTEST_PROP(Grid, IsGeometricWithExactEnds, ()) {
  const double a = *rc::gen::inRange(1, 1000000) * 1e-7;
  const double b = *rc::gen::inRange(1, 1000000) * 1e-3;
  const int n = *rc::gen::inRange(2, 50);
  const std::vector<double> grid = expand_grid(fmt::format("{}..{}:{}", a, b, n), "x");
  RC_ASSERT(grid.size() == static_cast<std::size_t>(n));
  RC_ASSERT(grid.front() == a);
  RC_ASSERT(grid.back() == b);
  const double ratio = std::pow(b / a, 1.0 / (n - 1));
  for (std::size_t i = 1; i < grid.size(); ++i) {
    RC_ASSERT(std::abs(grid[i] / grid[i - 1] / ratio - 1) < 2e-5);
  }
}

TEST(Grid, MistakesNameThePlace) {
  for (const char* text : {"", "x", "1,,2", "1,", "nan", "inf", "0.1.2", "1e999", "0x10", "1 2"}) {
    EXPECT_THROW(expand_grid(text, "x"), Error) << text;
  }
  for (const char* text : {"1..2", "1..2:", "1..2:1", "1..2:0", "1..2:-5", "1..2:99999999999",
                           "0..2:3", "-1..2:3", "..:", "1..x:3", "1..2:3:4", "1..2..3:4"}) {
    EXPECT_THROW(expand_grid(text, "x"), Error) << text;
  }
  try {
    expand_grid("1..2", "a.toml:3: 'rates'");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("a.toml:3: 'rates': the grid '1..2' lacks"));
  }
}

}  // namespace
}  // namespace flatenn
