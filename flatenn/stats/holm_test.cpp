#include "flatenn/stats/holm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

// By hand: sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, then the running maximum.
TEST(Holm, FourValuesByHand) {
  EXPECT_THAT(holm_adjust(std::vector<double>{0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-15), DoubleNear(0.06, 1e-15), DoubleNear(0.06, 1e-15),
                          DoubleNear(0.02, 1e-15)));
}

TEST(Holm, EdgesAndMistakes) {
  EXPECT_THAT(holm_adjust({}), IsEmpty());
  EXPECT_THAT(holm_adjust(std::vector<double>{0.2}), ElementsAre(0.2));
  EXPECT_THAT(holm_adjust(std::vector<double>{0.6, 0.7}), ElementsAre(1, 1));
  EXPECT_THROW(holm_adjust(std::vector<double>{1.1}), Error);
  EXPECT_THROW(holm_adjust(std::vector<double>{NAN}), Error);
}

RC_GTEST_PROP(Holm, LiesBetweenTheValueAndBonferroniAndKeepsTheOrder, ()) {
  const auto raw = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1001));
  std::vector<double> p;
  for (const int x : raw) p.push_back(x / 1000.0);
  const std::vector<double> adjusted = holm_adjust(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    RC_ASSERT(adjusted[i] >= p[i]);
    RC_ASSERT(adjusted[i] <= std::min(1.0, p[i] * static_cast<double>(p.size())));
    for (std::size_t j = 0; j < p.size(); ++j) {
      if (p[i] < p[j]) RC_ASSERT(adjusted[i] <= adjusted[j]);
    }
  }
}

}  // namespace
}  // namespace flatenn
