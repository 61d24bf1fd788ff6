#include "flatenn/memory/fault_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

// All draws are keyed, so these tests give the same answer every time. Bounds are 4 standard
// deviations.

std::vector<Fault> draw(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate) {
  std::vector<Fault> faults;
  draw_fault_map(seed, map, bits, rate, faults);
  return faults;
}

bool before(const Fault& a, const Fault& b) { return a.address < b.address; }

/// A rate anywhere in (0, 1], small ones as often as large ones; sometimes on the edge of a band.
double any_rate() {
  const double edge = std::ldexp(1.0, -*rc::gen::inRange(0, 14));
  const int part = *rc::gen::inRange(0, 1000);
  return edge * (1 - part / 2000.0);
}

RC_GTEST_PROP(FaultMapProperty, AscendingWithinTheMemoryAndUnique,
              (std::uint64_t seed, std::uint64_t map)) {
  const auto bits = *rc::gen::inRange<std::uint64_t>(0, 20000);
  const auto faults = draw(seed, map, bits, any_rate());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    RC_ASSERT(faults[i].address < bits);
    RC_ASSERT((i == 0 || faults[i - 1].address < faults[i].address));
  }
}

RC_GTEST_PROP(FaultMapProperty, NestedInTheRate, (std::uint64_t seed, std::uint64_t map)) {
  const auto bits = *rc::gen::inRange<std::uint64_t>(1, 20000);
  const double one = any_rate(), other = any_rate();
  const auto few = draw(seed, map, bits, std::min(one, other));
  const auto many = draw(seed, map, bits, std::max(one, other));
  for (const Fault& fault : few) {
    const auto found = std::lower_bound(many.begin(), many.end(), fault, before);
    RC_ASSERT(found != many.end());
    RC_ASSERT(*found == fault);  // the coin as well
  }
}

TEST(FaultMap, NestedAlongAFineGridOfRates) {
  constexpr std::uint64_t kBits = 5000;
  std::vector<Fault> last;
  for (int step = 0; step <= 400; ++step) {
    const auto faults = draw(3, 1, kBits, step / 400.0);
    EXPECT_TRUE(std::includes(faults.begin(), faults.end(), last.begin(), last.end(), before));
    last = faults;
  }
  EXPECT_EQ(last.size(), kBits);
}

TEST(FaultMap, RateZeroIsNoneAndRateOneIsAll) {
  for (const std::uint64_t bits : {0, 1, 2, 63, 64, 65, 5000}) {
    EXPECT_TRUE(draw(1, 2, bits, 0).empty());
    const auto all = draw(1, 2, bits, 1);
    ASSERT_EQ(all.size(), bits);
    for (std::uint64_t i = 0; i < bits; ++i) EXPECT_EQ(all[i].address, i);
  }
  EXPECT_TRUE(draw(1, 2, 5000, std::numeric_limits<double>::denorm_min()).empty());
}

TEST(FaultMap, RatesOutsideZeroToOneAreRefused) {
  for (const double rate : {-1e-9, 1.0000001, 5.0, std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(draw(1, 2, 100, rate), Error) << rate;
  }
}

TEST(FaultMap, TheSameWhateverElseIsAsked) {
  const auto expected = draw(5, 6, 100000, 0.013);
  std::vector<Fault> reused;
  for (const double rate : {0.9, 1e-5, 0.013}) draw_fault_map(5, 6, 100000, rate, reused);
  EXPECT_EQ(reused, expected);
  std::vector<Fault> elsewhere;
  std::thread([&] { draw_fault_map(5, 6, 100000, 0.013, elsewhere); }).join();
  EXPECT_EQ(elsewhere, expected);
}

TEST(FaultMap, ReusesTheVectorsMemory) {
  std::vector<Fault> faults;
  draw_fault_map(1, 0, 1000000, 0.02, faults);
  const Fault* data = faults.data();
  for (std::uint64_t map = 0; map < 20; ++map) draw_fault_map(1, map, 1000000, 0.01, faults);
  EXPECT_EQ(faults.data(), data);
}

TEST(FaultMap, CountsAreBinomial) {
  constexpr std::uint64_t kBits = 4000;
  constexpr int kMaps = 1000;
  for (const double rate : {0.0005, 0.001, 1.0 / 512, 0.01, 0.05, 0.25, 0.4, 0.6, 0.9}) {
    const double mean = kBits * rate;
    const double variance = mean * (1 - rate);
    double sum = 0, squares = 0;
    for (std::uint64_t map = 0; map < kMaps; ++map) {
      const double count = static_cast<double>(draw(7, map, kBits, rate).size());
      sum += count;
      squares += (count - mean) * (count - mean);
    }
    EXPECT_NEAR(sum / kMaps, mean, 4 * std::sqrt(variance / kMaps)) << rate;
    // The variance of the squared deviation is about (2 + 1/variance) variance^2.
    EXPECT_NEAR(squares / kMaps, variance, 4 * variance * std::sqrt((2 + 1 / variance) / kMaps))
        << rate;
  }
}

TEST(FaultMap, TinyRatesInHugeMemories) {
  constexpr std::uint64_t kBits = (std::uint64_t{1} << 48) - 1;
  for (const int power : {38, 39, 40, 41, 42}) {
    double sum = 0;
    for (std::uint64_t map = 0; map < 50; ++map) {
      sum += static_cast<double>(draw(1, map, kBits, std::ldexp(1.0, -power)).size());
    }
    const double mean = 50 * std::ldexp(static_cast<double>(kBits), -power);
    EXPECT_NEAR(sum, mean, 4 * std::sqrt(mean)) << power;
  }
}

/// Cells of many maps whose threshold lies in ((j-1), j] * width + lower, j = 1 .. 8.
std::vector<double> octiles(double lower, double width) {
  constexpr std::uint64_t kBits = 20000;
  std::vector<double> counts;
  for (std::uint64_t map = 0; map < 50; ++map) {
    double below = static_cast<double>(draw(9, map, kBits, lower).size());
    for (int j = 1; j <= 8; ++j) {
      const double upto = static_cast<double>(draw(9, map, kBits, lower + width * j / 8).size());
      if (map == 0) counts.push_back(0);
      counts[static_cast<std::size_t>(j - 1)] += upto - below;
      below = upto;
    }
  }
  return counts;
}

double chi_square(const std::vector<double>& counts, double expected) {
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(FaultMap, ThresholdsAreUniformWithinBands) {
  // The 0.9999 quantile of chi-square with 8 degrees of freedom is 31.8.
  for (const double lower : {0.5, 0.25, 0.125, 1.0 / 64, 1.0 / 512}) {
    const double expected = 20000.0 * 50 * lower / 8;
    EXPECT_LT(chi_square(octiles(lower, lower), expected), 31.8) << lower;
  }
}

TEST(FaultMap, ThresholdsAreUniformAcrossBands) {
  EXPECT_LT(chi_square(octiles(0, 1), 20000.0 * 50 / 8), 31.8);
  EXPECT_LT(chi_square(octiles(0.0, 0.07), 20000.0 * 50 * 0.07 / 8), 31.8);
}

TEST(FaultMap, ThresholdsAreUniformBelowTheUpperDigits) {
  // One of the 2,048 places of a band, and a quarter of one.
  const double place = 0.25 / 2048;
  EXPECT_LT(chi_square(octiles(0.25 + 700 * place, place), 20000.0 * 50 * place / 8), 31.8);
  EXPECT_LT(chi_square(octiles(0.25, place / 4), 20000.0 * 50 * place / 4 / 8), 31.8);
}

TEST(FaultMap, AddressesAreUniform) {
  constexpr std::uint64_t kBits = 8000;
  std::vector<double> counts(80);
  double total = 0;
  for (std::uint64_t map = 0; map < 400; ++map) {
    for (const Fault& fault : draw(11, map, kBits, 0.03)) {
      ++counts[fault.address / 100];
      ++total;
    }
  }
  // 79 degrees of freedom; the 0.9999 quantile is 132.
  EXPECT_LT(chi_square(counts, total / 80), 132);
}

TEST(FaultMap, CoinsAreFairInEveryBand) {
  for (const double rate : {1.0 / 512, 0.01, 0.1, 0.9}) {
    double ones = 0, cells = 0;
    for (std::uint64_t map = 0; map < 200; ++map) {
      for (const Fault& fault : draw(13, map, 20000, rate)) {
        ones += fault.coin;
        ++cells;
      }
    }
    EXPECT_NEAR(ones / cells, 0.5, 4 * 0.5 / std::sqrt(cells)) << rate;
  }
}

TEST(FaultMap, NeighbouringCellsAreIndependent) {
  constexpr std::uint64_t kBits = 20000;
  constexpr int kMaps = 60;
  for (const double rate : {0.01, 0.05, 0.3, 0.8}) {
    for (const std::uint64_t distance : {1, 2, 4}) {
      double pairs = 0;
      for (std::uint64_t map = 0; map < kMaps; ++map) {
        const auto faults = draw(17, map, kBits, rate);
        for (const Fault& fault : faults) {
          pairs += std::binary_search(faults.begin(), faults.end(),
                                      Fault{fault.address + distance, false}, before);
        }
      }
      const double trials = kMaps * static_cast<double>(kBits - distance);
      const double p = rate * rate;
      // Overlapping pairs share a cell: variance per pair p (1 - p) + 2 (rate^3 - p^2).
      const double variance = p * (1 - p) + 2 * (rate * p - p * p);
      EXPECT_NEAR(pairs / trials, p, 4 * std::sqrt(variance / trials)) << rate << " " << distance;
    }
  }
}

TEST(FaultMap, MapsAndSeedsArePairwiseIndependent) {
  constexpr std::uint64_t kBits = 100000;
  constexpr double kRate = 0.02;
  const auto overlap = [](const std::vector<Fault>& a, const std::vector<Fault>& b) {
    std::vector<Fault> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both), before);
    return static_cast<double>(both.size());
  };
  std::vector<std::vector<Fault>> maps;
  for (std::uint64_t map = 0; map < 30; ++map) maps.push_back(draw(19, map, kBits, kRate));
  for (std::uint64_t seed = 20; seed < 30; ++seed) maps.push_back(draw(seed, 0, kBits, kRate));
  double sum = 0, pairs = 0;
  const double mean = kBits * kRate * kRate;
  for (std::size_t a = 0; a < maps.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b, ++pairs) {
      const double common = overlap(maps[a], maps[b]);
      EXPECT_NEAR(common, mean, 5 * std::sqrt(mean)) << a << " " << b;
      sum += common;
    }
  }
  EXPECT_NEAR(sum / pairs, mean, 4 * std::sqrt(mean / pairs));
}

TEST(FaultMap, GoldenMap) {
  // Map 3 of seed 1 in a memory of 4,000 bits at rate 0.01. Stored results depend on every digit:
  // if this test fails, the change is wrong, not the file.
  std::ifstream file(FLATENN_SOURCE_DIR "/flatenn/memory/fault_map_golden.txt");
  std::vector<Fault> golden;
  for (std::uint64_t address, coin; file >> address >> coin;)
    golden.push_back({address, coin == 1});
  ASSERT_GT(golden.size(), 20u);
  EXPECT_EQ(draw(1, 3, 4000, 0.01), golden);
}

TEST(FaultKind, NamesRoundTrip) {
  for (const FaultKind kind :
       {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1, FaultKind::stuck}) {
    EXPECT_EQ(parse_fault_kind(to_string(kind)), kind);
  }
  try {
    parse_fault_kind("stuck2");
    FAIL() << "an unknown kind was accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "unknown fault kind \"stuck2\"; known: flip, stuck0, stuck1, stuck");
  }
}

}  // namespace
}  // namespace flatenn
