#include "flatenn/quant/fake_quant_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "flatenn/base/random.h"

namespace flatenn::fake_quant {
namespace {

/// Around the kernels' lanes of 16 and their blocks of 4,096 elements.
const std::vector<std::int64_t> kSizes{0, 1, 15, 16, 17, 100, 4096, 4097, 3 * 4096 + 31};

std::vector<float> draws(std::int64_t n, std::uint64_t key, double spread) {
  std::vector<float> values;
  RandomStream stream(4, Purpose::test, key);
  for (std::int64_t i = 0; i < n; ++i) {
    values.push_back(static_cast<float>(spread * stream.normal()));
  }
  return values;
}

/// Sums in double: the kernels' lanes may differ by rounding alone.
void expect_near_sum(double actual, double expected, std::int64_t n) {
  EXPECT_NEAR(actual, expected, 1e-5 * (1 + std::sqrt(static_cast<double>(n))));
}

float level_of(const WeightRounding& r, float w) {
  return ((w - r.center) / r.spread - r.offset) / r.scale;
}

TEST(FakeQuantKernels, WeightsGoOntoTheirGridAndGradientsThrough) {
  for (const int how : {0, 1, 2, 3}) {
    const bool straight = how % 2 == 1, truncates = how / 2 == 1;
    const WeightRounding r{-8, 7, 0.25f, 0.125f, 0.1f, 1.5f, straight, truncates};
    for (const std::int64_t n : kSizes) {
      const std::vector<float> w = draws(n, 1, 2), g = draws(n, 2, 1);
      std::vector<float> y(w.size(), -99), gw(w.size(), -99);
      weights_forward(r, w.data(), y.data(), n);
      const double scale_gradient = weights_backward(r, w.data(), g.data(), gw.data(), n);
      double expected = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float level = level_of(r, w[i]);
        const float clamped = std::clamp(level, r.lowest, r.highest);
        const float code = truncates ? std::trunc(clamped) : std::nearbyint(clamped);
        ASSERT_EQ(y[i], r.scale * code + r.offset) << i << " of " << n;
        const bool inside = straight || (level >= r.lowest && level <= r.highest);
        ASSERT_EQ(gw[i], inside ? g[i] / r.spread : 0.0f) << i << " of " << n;
        expected += double{g[i]} * (inside ? code - level : code + r.offset / r.scale);
      }
      expect_near_sum(scale_gradient, expected, n);
    }
  }
}

TEST(FakeQuantKernels, ReluCountsWhatItPassesAndWhatIsZero) {
  const Range range{0, 15, 0.2f, 1 / 0.2f};
  const float sum_gradient = 0.01f;
  for (const std::int64_t n : kSizes) {
    const std::vector<float> x = draws(n, 3, 2), g = draws(n, 4, 1);
    std::vector<float> y(x.size(), -99), gx(x.size(), -99);
    const ReluTotals totals = relu_forward(range, x.data(), y.data(), n);
    const double scale_gradient =
        relu_backward(range, sum_gradient, x.data(), g.data(), gx.data(), n);
    double sum = 0, expected = 0;
    std::int64_t zeros = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float level = std::max(x[i], 0.0f) * range.inverse;
      const float code = std::nearbyint(std::min(level, range.highest));
      ASSERT_EQ(y[i], code * range.scale) << i << " of " << n;
      sum += std::max(x[i], 0.0f);
      zeros += code == 0 ? 1 : 0;
      const bool inside = level <= range.highest;
      ASSERT_EQ(gx[i], x[i] > 0 ? (inside ? g[i] : 0) + sum_gradient : 0) << i << " of " << n;
      expected += double{g[i]} * (inside ? code - level : code);
    }
    EXPECT_EQ(totals.zeros, zeros) << n;
    expect_near_sum(totals.sum, sum, n);
    expect_near_sum(scale_gradient, expected, n);
  }
}

TEST(FakeQuantKernels, SignedCodesAreClippedOnBothSides) {
  const Range range{-4, 3, 0.5f, 2};
  for (const std::int64_t n : kSizes) {
    const std::vector<float> x = draws(n, 5, 2), g = draws(n, 6, 1);
    std::vector<float> y(x.size(), -99), gx(x.size(), -99);
    signed_forward(range, x.data(), y.data(), n);
    const double scale_gradient = signed_backward(range, x.data(), g.data(), gx.data(), n);
    double expected = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float level = x[i] * range.inverse;
      const float code = std::nearbyint(std::clamp(level, range.lowest, range.highest));
      ASSERT_EQ(y[i], code * range.scale) << i << " of " << n;
      const bool inside = level >= range.lowest && level <= range.highest;
      ASSERT_EQ(gx[i], inside ? g[i] : 0) << i << " of " << n;
      expected += double{g[i]} * (inside ? code - level : code);
    }
    expect_near_sum(scale_gradient, expected, n);
  }
}

TEST(FakeQuantKernels, HalvesGoToTheEvenCode) {
  const Range range{0, 15, 1, 1};
  const std::vector<float> x{0.5f, 1.5f, 2.5f, 3.5f, 14.5f, 15.5f};
  std::vector<float> y(x.size());
  relu_forward(range, x.data(), y.data(), std::ssize(x));
  EXPECT_EQ(y, (std::vector<float>{0, 2, 2, 4, 14, 15}));
}

/// A training that diverged must be seen, not clipped away.
TEST(FakeQuantKernels, WhatIsNoNumberStaysNone) {
  const Range range{0, 15, 1, 1};
  const std::vector<float> x{std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> y(1);
  EXPECT_TRUE(std::isnan(relu_forward(range, x.data(), y.data(), 1).sum));
}

}  // namespace
}  // namespace flatenn::fake_quant
