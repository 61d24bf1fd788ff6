#include "flatenn/analysis/bit_sensitivity.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace flatenn {
namespace {

/// One tensor of these codes.
Model model_of(std::vector<std::int8_t> codes, CodeFormat format, float scale) {
  Model model;
  model.weights.push_back(
      {0, "fc.weight", {1, static_cast<int>(codes.size())}, format, scale, 0, std::move(codes)});
  return model;
}

const BitSensitivity::OfKind& of(const BitSensitivity& bit, FaultKind kind) {
  for (const BitSensitivity::OfKind& of_kind : bit.kinds) {
    if (of_kind.kind == kind) return of_kind;
  }
  throw std::out_of_range("kind");
}

TEST(BitSensitivity, MeansOverCellsByHand) {
  // 3 is 0011 and -2 is 1110 in two's complement.
  const Model model = model_of({3, -2}, {.bits = 4}, 0.5f);
  const std::vector<WeightDerivatives> derivatives{{{2, 10}, {4, 6}}};
  const auto bits = bit_sensitivities(model, derivatives);
  ASSERT_EQ(bits.size(), 4u);
  EXPECT_EQ(bits[0].tensor, "fc.weight");
  EXPECT_EQ(bits[0].cells, 2u);
  // Bit 0: 3 -> 2 moves by -0.5, -2 -> -1 by +0.5.
  const auto& lowest = of(bits[0], FaultKind::flip);
  EXPECT_DOUBLE_EQ(lowest.first, (2 * -0.5 + 10 * 0.5) / 2);
  EXPECT_DOUBLE_EQ(lowest.first_magnitude, (1.0 + 5.0) / 2);
  EXPECT_DOUBLE_EQ(lowest.second, (0.5 * 4 * 0.25 + 0.5 * 6 * 0.25) / 2);
  EXPECT_DOUBLE_EQ(lowest.changed, 1);
  // Stuck at 0 changes the 1 of the 3 alone, stuck at 1 the 0 of the -2.
  EXPECT_DOUBLE_EQ(of(bits[0], FaultKind::stuck0).first, -1.0 / 2);
  EXPECT_DOUBLE_EQ(of(bits[0], FaultKind::stuck0).changed, 0.5);
  EXPECT_DOUBLE_EQ(of(bits[0], FaultKind::stuck1).first, 5.0 / 2);
  // Bit 3 is the sign: 3 -> -5 moves by -4, -2 -> 6 by +4.
  EXPECT_DOUBLE_EQ(of(bits[3], FaultKind::flip).first, (2 * -4.0 + 10 * 4.0) / 2);
}

TEST(BitSensitivity, WithoutCurvatureTheSecondOrderIsZero) {
  const auto bits =
      bit_sensitivities(model_of({1}, {.bits = 2}, 1), std::vector<WeightDerivatives>{{{3}, {}}});
  EXPECT_EQ(of(bits[1], FaultKind::flip).second, 0);
}

TEST(BitSensitivity, EncodingsDecide) {
  const std::vector<WeightDerivatives> derivatives{{{1}, {}}};
  // -1 of four bits in sign-magnitude is 1001: the top bit makes it 1.
  const auto bits = bit_sensitivities(
      model_of({-1}, {.bits = 4, .encoding = Encoding::sign_magnitude}, 1), derivatives);
  EXPECT_DOUBLE_EQ(of(bits[3], FaultKind::flip).first, 2);
  EXPECT_DOUBLE_EQ(of(bits[1], FaultKind::flip).first, -2);
}

TEST(BitSensitivity, EveryBitInTheOrderOfAddresses) {
  const Model model = model_of({3, -2, 7}, {.bits = 4}, 0.5f);
  const std::vector<WeightDerivatives> derivatives{{{2, 10, -1}, {4, 6, 8}}};
  std::vector<double> sums(4);
  std::size_t count = 0;
  visit_bits(model, derivatives, [&](const BitEffect& effect) {
    EXPECT_EQ(effect.element, count / 4);
    EXPECT_EQ(effect.bit, static_cast<int>(count % 4));
    sums[static_cast<std::size_t>(effect.bit)] += effect.first + effect.second;
    ++count;
  });
  EXPECT_EQ(count, 12u);
  const auto bits = bit_sensitivities(model, derivatives);
  for (std::size_t bit = 0; bit < 4; ++bit) {
    const auto& flip = of(bits[bit], FaultKind::flip);
    EXPECT_NEAR(sums[bit], 3 * (flip.first + flip.second), 1e-12);
  }
}

}  // namespace
}  // namespace flatenn
