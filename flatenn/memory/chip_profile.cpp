#include "flatenn/memory/chip_profile.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

// Share of all cells, percent, that fail as 0 read as 1, as 1 read as 0, and every time, at the
// published voltage with the most faults: 1.27, 1.47, 1.223; 3.443, 1.091, 0.627; 1.81, 0.48,
// 0.204.
constexpr ChipProfile kChips[] = {
    {0, 0, 1.27 / 2.74, 1.223 / 2.74},
    {1.0 / 16, 0.9, 3.443 / 4.534, 0.627 / 4.534},
    {1.0 / 16, 0.9, 1.81 / 2.29, 0.204 / 2.29},
};

/// Uniform on (0, 1].
double fraction(std::uint64_t word) { return static_cast<double>((word >> 11) + 1) * 0x1p-53; }

}  // namespace

const ChipProfile& chip_profile(int chip) {
  FLATENN_ASSERT(chip >= 1 && chip <= 3);
  return kChips[chip - 1];
}

double line_rate(const ChipProfile& profile, double rate, bool weak, double u) {
  if (profile.weak_lines == 0) return rate;
  // E min(1, a / sqrt(u)) = 2 a - a^2; the weak lines' mean is `share` until all their cells fail.
  const double share = profile.weak_share * rate / profile.weak_lines;
  if (weak) {
    const double a = 1 - std::sqrt(std::max(1 - share, 0.0));
    return std::min(1.0, a / std::sqrt(u));
  }
  const double strong = 1 - profile.weak_lines;
  return share < 1 ? (1 - profile.weak_share) * rate / strong
                   : (rate - profile.weak_lines) / strong;
}

void draw_chip(const ChipProfile& profile, const Geometry& geometry, std::uint64_t stream,
               std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
               std::vector<Fault>& faults) {
  if (!(rate >= 0 && rate <= 1)) fail("a fault rate is a fraction from 0 to 1, not {}", rate);
  const std::uint64_t width = geometry.row_bits(), bank_bits = geometry.bank_bits();
  thread_local std::vector<Fault> line;
  faults.clear();
  for (std::uint64_t bank = 0; bank * bank_bits < bits; ++bank) {
    const std::uint64_t start = bank * bank_bits, end = std::min(start + bank_bits, bits);
    const std::size_t before = faults.size();
    for (std::uint64_t column = 0; column < std::min(width, end - start); ++column) {
      const std::uint64_t number = bank * width + column;
      const auto of_line = random_block(seed, Purpose::fault_map, map, stream << 7, number);
      const bool weak = fraction(of_line[0]) <= profile.weak_lines;
      const double of_cells = line_rate(profile, rate, weak, fraction(of_line[1]));
      const std::uint64_t cells = (end - start - column + width - 1) / width;
      draw_fault_map(seed, map, cells, of_cells, line, (number + 1) << 8 | stream);
      for (const Fault& cell : line) {
        const std::uint64_t address = start + cell.address * width + column;
        const auto of_cell = random_block(seed, Purpose::fault_map, map, stream << 7 | 1, address);
        faults.push_back({address, fraction(of_cell[0]) <= profile.reads_one,
                          fraction(of_cell[1]) <= profile.known});
      }
    }
    std::sort(faults.begin() + static_cast<std::ptrdiff_t>(before), faults.end(),
              [](const Fault& a, const Fault& b) { return a.address < b.address; });
  }
}

}  // namespace flatenn
