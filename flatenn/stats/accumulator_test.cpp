#include "flatenn/stats/accumulator.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

namespace flatenn {
namespace {

TEST(Accumulator, FewSamples) {
  Accumulator a;
  EXPECT_EQ(a.count(), 0u);
  EXPECT_TRUE(std::isnan(a.mean()));
  EXPECT_TRUE(std::isnan(a.variance()));
  a.add(3);
  EXPECT_EQ(a.mean(), 3);
  EXPECT_TRUE(std::isnan(a.deviation()));
  a.add(5);
  EXPECT_EQ(a.mean(), 4);
  EXPECT_EQ(a.variance(), 2);
}

TEST(Accumulator, ConstantSamplesHaveNoVariance) {
  const std::vector<double> samples(1000, 0.1);
  EXPECT_EQ(Accumulator(samples).mean(), 0.1);
  EXPECT_EQ(Accumulator(samples).variance(), 0);
}

// The sum of squares minus the squared sum would lose every digit here. NIST StRD NumAcc4:
// mean 10000000.2, deviation exactly 0.1.
TEST(Accumulator, NistNumericalAccuracyFour) {
  Accumulator a;
  a.add(10000000.2);
  for (int i = 0; i < 500; ++i) {
    a.add(10000000.1);
    a.add(10000000.3);
  }
  EXPECT_NEAR(a.mean(), 10000000.2, 1e-8);
  EXPECT_NEAR(a.deviation(), 0.1, 1e-9);
}

RC_GTEST_PROP(Accumulator, MergedPartsAreTheWhole, ()) {
  const auto numbers = rc::gen::container<std::vector<int>>(rc::gen::inRange(-1000, 1000));
  const std::vector<int> first = *numbers, second = *numbers;
  Accumulator a, b, whole;
  for (const int x : first) {
    a.add(x);
    whole.add(x);
  }
  for (const int x : second) {
    b.add(x);
    whole.add(x);
  }
  a.merge(b);
  RC_ASSERT(a.count() == whole.count());
  if (whole.count() > 0) RC_ASSERT(std::abs(a.mean() - whole.mean()) < 1e-9);
  if (whole.count() > 1) RC_ASSERT(std::abs(a.variance() - whole.variance()) < 1e-6);
}

}  // namespace
}  // namespace flatenn
