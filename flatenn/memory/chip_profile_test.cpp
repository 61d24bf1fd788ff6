#include "flatenn/memory/chip_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace flatenn {
namespace {

TEST(ChipProfile, LinesFailAtTheRateInTheMeanAndNeverLessWhenItGrows) {
  for (int chip = 1; chip <= 3; ++chip) {
    const ChipProfile& profile = chip_profile(chip);
    double last_weak = 0, last_strong = 0;
    for (const double rate : {0.0, 1e-4, 0.01, 0.05, 0.069, 0.07, 0.2, 0.9, 1.0}) {
      // The mean over u by the midpoints of many small steps.
      constexpr int steps = 200'000;
      double weak = 0;
      for (int i = 0; i < steps; ++i) {
        weak += line_rate(profile, rate, true, (i + 0.5) / steps) / steps;
      }
      const double strong = line_rate(profile, rate, false, 0.5);
      EXPECT_NEAR(profile.weak_lines * weak + (1 - profile.weak_lines) * strong, rate, 1e-3 * rate)
          << "chip " << chip << " rate " << rate;
      EXPECT_GE(line_rate(profile, rate, true, 0.3), last_weak);
      EXPECT_GE(strong, last_strong);
      last_weak = line_rate(profile, rate, true, 0.3);
      last_strong = strong;
    }
    EXPECT_DOUBLE_EQ(last_weak, 1);
    EXPECT_DOUBLE_EQ(last_strong, 1);
  }
}

TEST(ChipProfile, SharesAreThoseOfTheProfile) {
  constexpr Geometry array{32, 4, 512};
  constexpr std::uint64_t bits = 512 * 128;
  for (int chip = 1; chip <= 3; ++chip) {
    const ChipProfile& profile = chip_profile(chip);
    double cells = 0, ones = 0, known = 0;
    std::vector<double> weights;  // faulty cells a line and map
    for (std::uint64_t map = 0; map < 200; ++map) {
      std::vector<Fault> faults;
      draw_chip(profile, array, 8, 1, map, bits, 0.02, faults);
      std::map<std::uint64_t, double> lines;
      for (const Fault& fault : faults) {
        ++lines[fault.address % 128];
        ones += fault.coin;
        known += fault.known;
      }
      for (std::uint64_t line = 0; line < 128; ++line) weights.push_back(lines[line]);
      cells += static_cast<double>(faults.size());
    }
    EXPECT_NEAR(ones / cells, profile.reads_one, 4 * 0.5 / std::sqrt(cells));
    EXPECT_NEAR(known / cells, profile.known, 4 * 0.5 / std::sqrt(cells));
    // The worst sixteenth of the lines: of chip 1 little more than its share, of others nearly all.
    std::ranges::sort(weights, std::ranges::greater());
    double worst = 0;
    for (std::size_t i = 0; i < weights.size() / 16; ++i) worst += weights[i];
    if (chip == 1) {
      EXPECT_LT(worst / cells, 0.15);
      EXPECT_NEAR(cells / 200 / bits, 0.02, 4 * std::sqrt(0.02 / bits / 200));
    } else {
      EXPECT_NEAR(worst / cells, profile.weak_share, 0.03) << chip;
      EXPECT_NEAR(cells / 200 / bits, 0.02, 0.002) << chip;  // 1,600 weak lines of heavy tail
    }
  }
}

}  // namespace
}  // namespace flatenn
