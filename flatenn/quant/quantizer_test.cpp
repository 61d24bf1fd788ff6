#include "flatenn/quant/quantizer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::int8_t> quantize(const std::vector<float>& masters, const WeightGrid& grid,
                                  const CodeFormat& format) {
  std::vector<std::int8_t> codes(masters.size());
  quantize_weights(masters, grid, format, codes);
  return codes;
}

std::vector<float> any_masters() {
  const auto integers =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-100000, 100001)));
  const float unit = std::ldexp(1.0f, *rc::gen::inRange(-30, 10));
  std::vector<float> masters;
  for (const int integer : integers) masters.push_back(unit * static_cast<float>(integer));
  return masters;
}

/// A format that the quantizer can have.
WeightFormat any_format() {
  WeightFormat format;
  format.quantizer = *rc::gen::element(WeightQuantizer::lsq, WeightQuantizer::saq,
                                       WeightQuantizer::robust, WeightQuantizer::symmetric);
  format.code.bits = *rc::gen::inRange(2, 9);
  format.code.encoding = *rc::gen::element(Encoding::twos_complement, Encoding::offset_binary,
                                           Encoding::sign_magnitude);
  format.code.saturating = *rc::gen::arbitrary<bool>();
  if (format.quantizer == WeightQuantizer::robust) format.code.saturating = true;
  if (format.quantizer == WeightQuantizer::saq) {
    format.code.saturating = false;
    if (format.code.encoding == Encoding::sign_magnitude) {
      format.code.encoding = Encoding::offset_binary;
    }
  }
  check_weight_format(format, "any");
  return format;
}

WeightGrid any_grid(const WeightFormat& format, const std::vector<float>& masters) {
  const float parameter = std::ldexp(1.0f, *rc::gen::inRange(-20, 5));
  switch (format.quantizer) {
    case WeightQuantizer::lsq:
      return lsq_grid(parameter);
    case WeightQuantizer::saq:
      return saq_grid(masters, parameter, format.code.bits, *rc::gen::arbitrary<bool>());
    case WeightQuantizer::symmetric:
      return symmetric_grid(masters, format.code.bits);
    case WeightQuantizer::robust:
      break;
  }
  return robust_grid(masters, format.code.bits);
}

RC_GTEST_PROP(QuantizerProperty, InsideTheRangeTheErrorIsHalfASpacingOrOneWhereTruncated, ()) {
  const WeightFormat format = any_format();
  const auto masters = any_masters();
  const WeightGrid grid = any_grid(format, masters);
  const auto codes = quantize(masters, grid, format.code);
  const double lowest = grid.offset + double{grid.scale} * format.code.min_code();
  const double highest = grid.offset + double{grid.scale} * format.code.max_code();
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const double n = normalise(masters[i], grid);
    const double value = dequantize(codes[i], grid.scale, grid.offset);
    const double slack = 1e-6 * (std::abs(n) + std::abs(grid.offset) + grid.scale);
    const double allowed = (grid.truncates ? 1 : 0.5) * grid.scale + slack;
    RC_ASSERT(std::abs(value - std::clamp(n, lowest, highest)) <= allowed);
    if (grid.truncates) RC_ASSERT(std::abs(value) <= std::abs(n) + slack);
  }
}

RC_GTEST_PROP(QuantizerProperty, StorageReturnsTheValueOfTraining, ()) {
  const WeightFormat format = any_format();
  const auto masters = any_masters();
  const WeightGrid grid = any_grid(format, masters);
  for (const std::int8_t code : quantize(masters, grid, format.code)) {
    const std::int8_t read = decode(format.code, encode(format.code, code));
    RC_ASSERT(dequantize(read, grid.scale, grid.offset) ==
              dequantize(code, grid.scale, grid.offset));
  }
}

RC_GTEST_PROP(QuantizerProperty, LevelsAreFixedPoints, ()) {
  WeightFormat format = any_format();
  format.quantizer = WeightQuantizer::lsq;
  const WeightGrid grid = lsq_grid(static_cast<float>(*rc::gen::inRange(1, 100000)) * 1e-4f);
  for (int code = format.code.min_code(); code <= format.code.max_code(); ++code) {
    const float level = dequantize(code, grid.scale, grid.offset);
    RC_ASSERT(quantize({level}, grid, format.code)[0] == code);
  }
}

TEST(Quantizer, RoundsHalfToEvenAndClamps) {
  const auto codes = quantize({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 7.5f, 100.0f, -8.5f, -1e30f},
                              lsq_grid(1.0f), {4, Encoding::twos_complement});
  EXPECT_EQ(codes, (std::vector<std::int8_t>{0, 2, 2, 0, -2, -2, 7, 7, -8, -8}));
  EXPECT_EQ(quantize({-8.5f}, lsq_grid(1.0f), {4, Encoding::sign_magnitude})[0], -7);
}

TEST(Quantizer, LsqTakesTheMagnitudeOfItsStep) {
  EXPECT_EQ(lsq_grid(-0.25f), (WeightGrid{.scale = 0.25f}));
  EXPECT_GT(lsq_grid(0.0f).scale, 0.0f);
  EXPECT_THROW(lsq_grid(kNan), Error);
}

TEST(Quantizer, SaqLevelsAreSymmetricWithoutZero) {
  for (int bits = 2; bits <= 8; ++bits) {
    const CodeFormat format{bits, Encoding::offset_binary};
    const int n = (1 << bits) - 1;
    const WeightGrid grid = saq_grid(std::vector<float>{0.0f}, -1.5f, bits, false);
    EXPECT_EQ(grid.center, 0.0f);
    EXPECT_EQ(grid.spread, 1.0f);
    for (int word = 0; word <= n; ++word) {
      const float value =
          dequantize(decode(format, static_cast<std::uint8_t>(word)), grid.scale, grid.offset);
      EXPECT_NEAR(value, 1.5 * (2.0 * word / n - 1), 1e-6);
      EXPECT_NE(value, 0.0f);
    }
  }
}

TEST(Quantizer, SaqNormalisesByMeanAndUnbiasedDeviation) {
  const std::vector<float> masters = {1, 2, 3, 4, 10};
  const WeightGrid grid = saq_grid(masters, 1.0f, 4, true);
  EXPECT_FLOAT_EQ(grid.center, 4.0f);
  EXPECT_FLOAT_EQ(grid.spread, std::sqrt(12.5f));
  // round(((clamp(n / a, -1, 1) + 1) / 2) * 15) by hand: n = -.849, -.566, -.283, 0, 1.697.
  const auto codes = quantize(masters, grid, {4, Encoding::offset_binary});
  EXPECT_EQ(codes, (std::vector<std::int8_t>{1 - 8, 3 - 8, 5 - 8, 8 - 8, 15 - 8}));
}

TEST(Quantizer, SaqSurvivesConstantTensors) {
  EXPECT_EQ(saq_grid(std::vector<float>{3.0f}, 1.0f, 4, true).spread, 1.0f);
  EXPECT_EQ(saq_grid(std::vector<float>(100, 3.0f), 1.0f, 4, true).spread, 1.0f);
  EXPECT_GT(saq_grid(std::vector<float>{3.0f}, 0.0f, 4, false).scale, 0.0f);
}

TEST(Quantizer, RobustCoversTheRangeAndLeavesTheLowestWord) {
  const std::vector<float> masters = {-0.3f, 0.1f, 0.7f};
  for (int bits = 2; bits <= 8; ++bits) {
    const CodeFormat format{bits, Encoding::offset_binary, true};
    const WeightGrid grid = robust_grid(masters, bits);
    EXPECT_FLOAT_EQ(grid.offset, 0.2f);
    EXPECT_FLOAT_EQ(grid.scale, 0.5f / ((1 << (bits - 1)) - 1));
    const auto codes = quantize(masters, grid, format);
    EXPECT_EQ(encode(format, codes[0]), 1) << "the smallest master uses the lowest used word";
    EXPECT_EQ(encode(format, codes[2]), (1 << bits) - 1);
    EXPECT_NEAR(dequantize(codes[0], grid.scale, grid.offset), -0.3f, 1e-6f);
    EXPECT_EQ(decode(format, 0), codes[0]) << "the unused word reads as its neighbour";
  }
}

TEST(Quantizer, RobustSurvivesConstantTensors) {
  const std::vector<float> masters(5, 0.25f);
  const WeightGrid grid = robust_grid(masters, 4);
  for (int code = -7; code <= 7; ++code) {
    EXPECT_EQ(dequantize(code, grid.scale, grid.offset), 0.25f);
  }
  EXPECT_EQ(quantize(masters, grid, {4, Encoding::offset_binary, true})[0], 0);
}

TEST(Quantizer, SymmetricTruncatesTowardsZero) {
  const WeightGrid grid = symmetric_grid(std::vector<float>{-1.75f, 0.4f}, 4);
  EXPECT_EQ(grid.scale, 0.25f);
  EXPECT_EQ(grid.offset, 0.0f);
  const auto codes = quantize({-1.75f, -1.74f, -0.26f, -0.24f, 0.0f, 0.24f, 0.49f, 0.5f}, grid,
                              {4, Encoding::twos_complement});
  EXPECT_EQ(codes, (std::vector<std::int8_t>{-7, -6, -1, 0, 0, 0, 1, 2}));
  EXPECT_GT(symmetric_grid(std::vector<float>(3, 0.0f), 4).scale, 0.0f);
}

TEST(Quantizer, MastersThatAreNotFiniteAreReported) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    const std::vector<float> masters = {1.0f, bad};
    EXPECT_THROW(saq_grid(masters, 1.0f, 4, true), Error);
    EXPECT_THROW(robust_grid(masters, 4), Error);
    EXPECT_THROW(symmetric_grid(masters, 4), Error);
    EXPECT_THROW(quantize(masters, lsq_grid(1.0f), {}), Error);
  }
  EXPECT_THROW(saq_grid(std::vector<float>{1.0f}, kNan, 4, false), Error);
}

TEST(Quantizer, FormatsThatAQuantizerCannotHaveAreRefused) {
  const auto check = [](WeightQuantizer quantizer, CodeFormat code) {
    check_weight_format({quantizer, code}, "conv1");
  };
  EXPECT_NO_THROW(check(WeightQuantizer::saq, {4, Encoding::offset_binary}));
  EXPECT_THROW(check(WeightQuantizer::saq, {4, Encoding::sign_magnitude}), Error);
  EXPECT_THROW(check(WeightQuantizer::saq, {4, Encoding::offset_binary, true}), Error);
  EXPECT_NO_THROW(check(WeightQuantizer::robust, {4, Encoding::offset_binary, true}));
  EXPECT_NO_THROW(check(WeightQuantizer::robust, {4, Encoding::sign_magnitude}));
  EXPECT_THROW(check(WeightQuantizer::robust, {4, Encoding::offset_binary}), Error);
  EXPECT_NO_THROW(check(WeightQuantizer::lsq, {2, Encoding::sign_magnitude}));
  EXPECT_THROW(check(WeightQuantizer::lsq, {9, Encoding::twos_complement}), Error);
}

TEST(Quantizer, NamesRoundTrip) {
  for (const WeightQuantizer quantizer : {WeightQuantizer::lsq, WeightQuantizer::saq,
                                          WeightQuantizer::robust, WeightQuantizer::symmetric}) {
    EXPECT_EQ(parse_weight_quantizer(to_string(quantizer)), quantizer);
  }
  EXPECT_THROW(parse_weight_quantizer("lsp"), Error);
}

}  // namespace
}  // namespace flatenn
