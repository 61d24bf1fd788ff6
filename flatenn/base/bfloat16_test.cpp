#include "flatenn/base/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace flatenn {
namespace {

float rounded(float x) {
  Bfloat16 target;
  round_to(target, x);
  return to_float(target);
}

TEST(Bfloat16, KeepsEverythingItHas) {
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const float x = to_float(Bfloat16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(rounded(x))) << bits;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(rounded(x)), bits << 16);
    }
  }
}

TEST(Bfloat16, RoundsToTheNearestAndHalvesToEven) {
  const float step = 1.0f / 128;  // between 1 and 2
  EXPECT_EQ(rounded(1 + 0.49f * step), 1);
  EXPECT_EQ(rounded(1 + 0.51f * step), 1 + step);
  EXPECT_EQ(rounded(1 + 0.5f * step), 1);
  EXPECT_EQ(rounded(1 + 1.5f * step), 1 + 2 * step);
  EXPECT_EQ(rounded(-1 - 1.5f * step), -1 - 2 * step);
  EXPECT_EQ(rounded(255), 255);
  EXPECT_EQ(rounded(257), 256);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace flatenn
