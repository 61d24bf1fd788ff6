// ChipProfile: arrays whose cells do not fail alike. Some bit lines are weak and hold most of the
// faulty cells, a faulty cell leans to one of its two values, and a test of the chip finds only
// those that fail every time.
//
// The shares are those that D. Stutz, N. Chandramoorthy, M. Hein and B. Schiele (Bit Error
// Robustness for Energy-Efficient DNN Accelerators, MLSys 2021) publish of three 14 nm SRAM arrays
// at reduced voltage. How strongly bit lines differ is not published: that lines are weak with the
// probability below, and how far weak ones lie apart, is a model. docs/faults.md has both.
#pragma once

#include <cstdint>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/geometry.h"

namespace flatenn {

struct ChipProfile {
  double weak_lines = 0;  ///< probability that a bit line is weak
  double weak_share = 0;  ///< of the faulty cells: on weak lines
  double reads_one = 0;   ///< of the faulty cells: that read 1 where stuck; the others read 0
  double known = 1;       ///< of the faulty cells: that a test finds
};

/// Precondition: 1 <= chip <= 3.
const ChipProfile& chip_profile(int chip);

/// The probability with which a cell of one bit line is faulty where that of any cell is `rate`.
/// Never falls when the rate grows; its mean over lines is the rate. Of weak lines it is
/// min(1, a / sqrt(u)), a heavy tail. Preconditions: 0 <= rate <= 1, 0 < u <= 1.
double line_rate(const ChipProfile& profile, double rate, bool weak, double u);

/// As draw_faults, for cells of a chip of this profile. Draws from the streams of draw_fault_map
/// that are `stream` or differ from it by a multiple of 256. Costs O(faults + bit lines of all
/// banks). Preconditions: stream < 256, a checked geometry.
void draw_chip(const ChipProfile& profile, const Geometry& geometry, std::uint64_t stream,
               std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
               std::vector<Fault>& faults);

}  // namespace flatenn
