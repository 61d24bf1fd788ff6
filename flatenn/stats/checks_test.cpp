#include "flatenn/stats/checks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

TEST(Checks, ConfidenceIsAShare) {
  EXPECT_NO_THROW(check_confidence(0.5));
  for (const double wrong : {0.0, 1.0, 95.0, -0.1, double(NAN)}) {
    EXPECT_THROW(check_confidence(wrong), Error);
    EXPECT_THROW(two_sided_z(wrong), Error);
    EXPECT_THROW(two_sided_t(wrong, 3), Error);
  }
}

TEST(Checks, SamplesLieBetweenTheirBounds) {
  EXPECT_NO_THROW(check_bounded(std::vector<double>{0, 0.5, 1}, 0, 1));
  EXPECT_NO_THROW(check_bounded({}, -1, 1));
  for (const double wrong : {-1e-9, 1.1, double(NAN), double(INFINITY)}) {
    EXPECT_THROW(check_bounded(std::vector<double>{0.5, wrong}, 0, 1), Error);
  }
  EXPECT_THROW(check_bounded({}, 1, 1), Error);
  EXPECT_THROW(check_bounded({}, 1, 0), Error);
  EXPECT_THROW(check_bounded({}, NAN, 1), Error);
  EXPECT_THROW(check_bounded({}, 0, INFINITY), Error);
}

// The tables at the back of every textbook.
TEST(Checks, QuantilesByTheTables) {
  EXPECT_NEAR(two_sided_z(0.95), 1.959964, 1e-6);
  EXPECT_NEAR(two_sided_z(0.99), 2.575829, 1e-6);
  EXPECT_NEAR(two_sided_t(0.95, 1), 12.706205, 1e-6);
  EXPECT_NEAR(two_sided_t(0.95, 10), 2.228139, 1e-6);
  EXPECT_NEAR(two_sided_t(0.95, 1e9), 1.959964, 1e-6);
}

}  // namespace
}  // namespace flatenn
