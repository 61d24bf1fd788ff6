#include "flatenn/train/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/random.h"

namespace flatenn {
namespace {

std::vector<float> draws(std::size_t n, std::uint64_t key) {
  std::vector<float> values(n);
  RandomStream stream(6, Purpose::test, key);
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

/// Element [channel][row][column][image] of a tensor of this height and width.
std::size_t at(const ConvShape& s, int height, int width, int channel, int row, int column,
               int image) {
  return ((static_cast<std::size_t>(channel) * height + row) * width + column) * s.images + image;
}

/// Calls f(index of y, index of w, index of x) for every product of the convolution.
template <class F>
void for_products(const ConvShape& s, F f) {
  for (int out = 0; out < s.out_channels; ++out) {
    for (int oy = 0; oy < s.out_height(); ++oy) {
      for (int ox = 0; ox < s.out_width(); ++ox) {
        for (int in = 0; in < s.in_channels; ++in) {
          for (int ky = 0; ky < s.kernel; ++ky) {
            for (int kx = 0; kx < s.kernel; ++kx) {
              const int y = oy * s.stride + ky - s.padding, x = ox * s.stride + kx - s.padding;
              if (y < 0 || x < 0 || y >= s.height || x >= s.width) continue;
              const std::size_t w =
                  ((static_cast<std::size_t>(out) * s.in_channels + in) * s.kernel + ky) *
                      s.kernel +
                  kx;
              for (int image = 0; image < s.images; ++image) {
                f(at(s, s.out_height(), s.out_width(), out, oy, ox, image), w,
                  at(s, s.height, s.width, in, y, x, image));
              }
            }
          }
        }
      }
    }
  }
}

void expect_near(const std::vector<float>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << i;
  }
}

std::size_t size_of(const ConvShape& s, int channels, int height, int width) {
  return static_cast<std::size_t>(channels) * height * width * s.images;
}

/// Images around vector widths, strides, padding, and a linear layer.
const std::vector<ConvShape> kShapes{{1, 1, 5, 5, 1, 3, 1, 0},    {7, 3, 6, 5, 4, 3, 1, 1},
                                     {16, 2, 7, 7, 5, 5, 2, 2},   {33, 5, 4, 6, 6, 1, 1, 0},
                                     {20, 12, 1, 1, 10, 1, 1, 0}, {64, 4, 8, 8, 9, 3, 2, 1}};

TEST(Kernels, ConvolutionsAreTheNaiveLoops) {
  for (const ConvShape& s : kShapes) {
    const auto x = draws(size_of(s, s.in_channels, s.height, s.width), 1);
    const auto w = draws(static_cast<std::size_t>(s.out_channels) * s.window(), 2);
    const auto bias = draws(static_cast<std::size_t>(s.out_channels), 3);
    const std::size_t places = size_of(s, 1, s.out_height(), s.out_width());
    std::vector<float> y(places * s.out_channels);
    std::vector<double> expected(y.size());
    conv_forward(s, x.data(), w.data(), nullptr, y.data());
    for_products(s, [&](std::size_t yi, std::size_t wi, std::size_t xi) {
      expected[yi] += double{w[wi]} * x[xi];
    });
    expect_near(y, expected);
    conv_forward(s, x.data(), w.data(), bias.data(), y.data());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += bias[i / places];
    expect_near(y, expected);
  }
}

TEST(Kernels, GradientsAreTheNaiveLoopsAndOverwrite) {
  for (const ConvShape& s : kShapes) {
    const auto x = draws(size_of(s, s.in_channels, s.height, s.width), 4);
    const auto w = draws(static_cast<std::size_t>(s.out_channels) * s.window(), 5);
    const std::size_t places = size_of(s, 1, s.out_height(), s.out_width());
    const auto gy = draws(places * s.out_channels, 6);
    std::vector<float> gx(x.size(), 99), gw(w.size(), 99),
        gbias(static_cast<std::size_t>(s.out_channels), 99);
    conv_backward_input(s, gy.data(), w.data(), gx.data());
    conv_backward_weight(s, x.data(), gy.data(), gw.data(), gbias.data());
    std::vector<double> expected_x(x.size()), expected_w(w.size()), expected_bias(gbias.size());
    for_products(s, [&](std::size_t yi, std::size_t wi, std::size_t xi) {
      expected_x[xi] += double{gy[yi]} * w[wi];
      expected_w[wi] += double{gy[yi]} * x[xi];
    });
    for (std::size_t i = 0; i < gy.size(); ++i) expected_bias[i / places] += gy[i];
    expect_near(gx, expected_x);
    expect_near(gw, expected_w);
    expect_near(gbias, expected_bias);
  }
}

TEST(Kernels, MaxPoolingTakesTheFirstLargest) {
  PoolShape s{.images = 2, .channels = 1, .height = 2, .width = 4};
  // Rows of columns of images: two windows; the second image's first window is a tie.
  const std::vector<float> x{1, 5, 4, 5, 0, 1, 2, 1, 3, 5, 2, 5, 7, 1, 6, 8};
  std::vector<float> y(4), gx(x.size(), 99);
  max_pool_forward(s, x.data(), y.data());
  EXPECT_EQ(y, (std::vector<float>{4, 5, 7, 8}));
  const std::vector<float> gy{10, 20, 30, 40};
  max_pool_backward(s, x.data(), y.data(), gy.data(), gx.data());
  EXPECT_EQ(gx, (std::vector<float>{0, 20, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 40}));
}

}  // namespace
}  // namespace flatenn
