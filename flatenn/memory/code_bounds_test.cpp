#include "flatenn/memory/code_bounds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace flatenn {
namespace {

TEST(CodeBounds, AreTheLargestAndTheMostFrequentMagnitude) {
  EXPECT_EQ(code_bounds(std::vector<std::int8_t>{3, -5, 3, 1, -3, 1}), (CodeBounds{5, 3}));
  EXPECT_EQ(code_bounds(std::vector<std::int8_t>{2, -1}), (CodeBounds{2, 1}));  // the least
  EXPECT_EQ(code_bounds(std::vector<std::int8_t>{-128, 7}), (CodeBounds{128, 7}));
  EXPECT_EQ(code_bounds({}), (CodeBounds{0, 0}));
}

TEST(CodeBounds, OfEachChannel) {
  EXPECT_EQ(channel_bounds(std::vector<std::int8_t>{3, -5, 3, 0, 0, 0, 1, 1, -2}, 3),
            (std::vector<CodeBounds>{{5, 3}, {0, 0}, {2, 1}}));
}

TEST(CodeBounds, ChangeOnlyWhatNoCleanCodeIs) {
  const CodeBounds bounds{20, 3};
  for (int c = -128; c <= 127; ++c) {
    const auto code = static_cast<std::int8_t>(c);
    const bool beyond = std::abs(c) > 20;
    const int sign = c < 0 ? -1 : 1;
    EXPECT_EQ(bounded(BoundRule::none, bounds, code), c);
    EXPECT_EQ(bounded(BoundRule::zero, bounds, code), beyond ? 0 : c);
    EXPECT_EQ(bounded(BoundRule::largest, bounds, code), beyond ? sign * 20 : c);
    EXPECT_EQ(bounded(BoundRule::common, bounds, code), beyond ? sign * 3 : c);
  }
}

}  // namespace
}  // namespace flatenn
