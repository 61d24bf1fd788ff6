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

std::vector<Bfloat16> halves(const std::vector<float>& values) {
  std::vector<Bfloat16> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) round_to(rounded[i], values[i]);
  return rounded;
}

std::vector<float> floats(const std::vector<Bfloat16>& values) {
  std::vector<float> wide;
  for (const Bfloat16 value : values) wide.push_back(to_float(value));
  return wide;
}

/// What bfloat16 kernels give is what float32 kernels give of the same values, rounded once.
TEST(FakeQuantKernels, Bfloat16IsTheSameArithmeticRoundedOnce) {
  const Range unsigned_codes{0, 15, 0.2f, 1 / 0.2f}, signed_codes{-4, 3, 0.3f, 1 / 0.3f};
  for (const std::int64_t n : kSizes) {
    const std::vector<Bfloat16> x = halves(draws(n, 7, 2)), g = halves(draws(n, 8, 1));
    const std::vector<float> wide_x = floats(x), wide_g = floats(g);
    std::vector<Bfloat16> y(x.size()), gx(x.size());
    std::vector<float> wide_y(x.size()), wide_gx(x.size());
    const auto expect_same = [&] {
      EXPECT_EQ(floats(y), floats(halves(wide_y))) << n;
      EXPECT_EQ(floats(gx), floats(halves(wide_gx))) << n;
    };
    const ReluTotals totals = relu_forward(unsigned_codes, x.data(), y.data(), n);
    const ReluTotals wide = relu_forward(unsigned_codes, wide_x.data(), wide_y.data(), n);
    EXPECT_EQ(totals.sum, wide.sum);
    EXPECT_EQ(totals.zeros, wide.zeros);
    EXPECT_EQ(
        relu_backward(unsigned_codes, 0.01f, x.data(), g.data(), gx.data(), n),
        relu_backward(unsigned_codes, 0.01f, wide_x.data(), wide_g.data(), wide_gx.data(), n));
    expect_same();
    signed_forward(signed_codes, x.data(), y.data(), n);
    signed_forward(signed_codes, wide_x.data(), wide_y.data(), n);
    EXPECT_EQ(signed_backward(signed_codes, x.data(), g.data(), gx.data(), n),
              signed_backward(signed_codes, wide_x.data(), wide_g.data(), wide_gx.data(), n));
    expect_same();
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
