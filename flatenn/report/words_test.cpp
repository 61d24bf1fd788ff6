#include "flatenn/report/words.h"

#include <gtest/gtest.h>

#include <limits>

namespace flatenn {
namespace {

TEST(Words, FiguresKeepTheirUnitOnTheLine) {
  EXPECT_EQ(rate_words(0.05), "5\u00a0%");
  EXPECT_EQ(rate_words(1e-5), "0.001\u00a0%");
  EXPECT_EQ(accuracy_words(69.44, 68.71, 70.12), "69.4\u00a0% [68.7, 70.1]");
}

TEST(Words, DifferencesHaveTheirSignAndInterval) {
  EXPECT_EQ(points_words(16.1, 15.4, 16.8), "+16.1 points [15.4, 16.8]");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(points_words(-2, -infinity, infinity), "-2.0 points, interval unknown");
}

TEST(Words, ADifferenceIsNoSum) {
  EXPECT_EQ(difference_words("saq", "plain"), "saq \u2212 plain");
  EXPECT_EQ(difference_words("saq + secded:64", "plain + tmr:1"),
            "(saq + secded:64) \u2212 (plain + tmr:1)");
}

TEST(Words, OneIsNotMany) {
  EXPECT_EQ(count_words(1, "trial", "trials"), "1 trial");
  EXPECT_EQ(count_words(0, "trial", "trials"), "0 trials");
}

}  // namespace
}  // namespace flatenn
