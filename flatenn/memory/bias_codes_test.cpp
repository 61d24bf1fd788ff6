#include "flatenn/memory/bias_codes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

std::vector<float> values(const BiasCodes& biases) {
  std::vector<float> values;
  for (const std::int16_t code : biases.codes) values.push_back(biases.value(code));
  return values;
}

/// Over all magnitudes that floats and models have, also those below the normal ones.
std::vector<float> any_biases(std::uint64_t seed) {
  RandomStream stream(seed, Purpose::test, 0);
  const int exponent = static_cast<int>(stream.below(212)) - 148;
  std::vector<float> biases;
  for (std::uint64_t i = 1 + stream.below(40); i > 0; --i) {
    const double mantissa = 2 * stream.uniform() - 1;
    biases.push_back(static_cast<float>(std::ldexp(mantissa, exponent)));
  }
  return biases;
}

RC_GTEST_PROP(BiasCodesProperty, AreTheNearestCodesAndReadExactlyTheSameAgain,
              (std::uint64_t seed)) {
  const std::vector<float> addend = any_biases(seed);
  const BiasCodes biases = code_biases(addend);
  const std::vector<float> read = values(biases);
  float largest = 0;
  for (const float value : addend) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < addend.size(); ++i) {
    RC_ASSERT(std::abs(biases.codes[i]) <= 32767);
    // Half a level, and half a unit of the float that is read.
    const double unit = std::nextafter(largest, std::numeric_limits<float>::infinity()) - largest;
    RC_ASSERT(std::abs(double{read[i]} - addend[i]) <= largest / 32767.0 / 2 * 1.000001 + unit / 2);
    RC_ASSERT((std::abs(addend[i]) != largest || read[i] == addend[i]));
  }
  const BiasCodes again = code_biases(read);
  RC_ASSERT(again.scale == biases.scale);
  RC_ASSERT(values(again) == read);
}

TEST(BiasCodes, ByHand) {
  const BiasCodes biases = code_biases(std::vector<float>{-2, 1, 0, 2, 1e-5f});
  EXPECT_EQ(biases.scale, 2.0 / 32767);
  // Half of 32767 is a tie, which goes to the even code; 1e-5 is a sixth of a level.
  EXPECT_EQ(biases.codes, (std::vector<std::int16_t>{-32767, 16384, 0, 32767, 0}));
  EXPECT_EQ(biases.value(-32767), -2.0f);
  EXPECT_EQ(biases.value(-32768), static_cast<float>(-65536.0 / 32767));
  const BiasCodes none = code_biases(std::vector<float>{0, -0.0f});
  EXPECT_EQ(none.scale, 0);
  EXPECT_EQ(none.codes, (std::vector<std::int16_t>{0, 0}));
  EXPECT_EQ(none.value(12345), 0.0f);
  EXPECT_TRUE(code_biases({}).codes.empty());
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THROW(code_biases(std::vector<float>{1, infinity}), InternalError);
}

TEST(BiasCodes, AModelChangesInItsBiasesAlone) {
  const Model model = random_model(resnet20({.input = {3, 12, 12, 0.1f, 60}}), 5);
  Model coded = with_coded_biases(model);
  check_model(coded);
  EXPECT_NE(model_hash(coded), model_hash(model));
  const Model twice = with_coded_biases(coded);
  EXPECT_EQ(serialize_model(twice), serialize_model(coded));
  for (std::size_t n = 0; n < model.affine.size(); ++n) {
    EXPECT_EQ(values(code_biases(model.affine[n].addend)), coded.affine[n].addend);
    coded.affine[n].addend = model.affine[n].addend;
  }
  EXPECT_EQ(serialize_model(coded), serialize_model(model));
}

}  // namespace
}  // namespace flatenn
