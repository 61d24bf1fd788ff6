#include "flatenn/memory/fault_source.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

// All draws are keyed, so these tests give the same answer every time. Bounds are 4 standard
// deviations.

constexpr Geometry kSmall{5, 3, 7};  // rows of 15 cells, banks of 105

std::vector<Fault> draw(const FaultSource& source, std::uint64_t seed, std::uint64_t map,
                        std::uint64_t bits, double rate) {
  std::vector<Fault> faults;
  draw_faults(source, seed, map, bits, rate, faults);
  return faults;
}

std::vector<FaultSource> drawn_sources() {
  std::vector<FaultSource> sources;
  for (const char* text : {"cells", "burst:1", "burst:4", "burst:9", "word", "row", "column",
                           "bank", "chip:1", "chip:2", "chip:3"}) {
    sources.push_back(parse_fault_source(text, kSmall));
  }
  return sources;
}

FaultSource any_source() { return *rc::gen::elementOf(drawn_sources()); }

/// A rate anywhere in (0, 1], small ones as often as large ones.
double any_rate() {
  return std::ldexp(1.0, -*rc::gen::inRange(0, 10)) * (1 - *rc::gen::inRange(0, 1000) / 2000.0);
}

/// The Error line of drawing maps `first` .. first + maps - 1 for a memory of `bits` cells.
std::string check_error(const FaultSource& source, std::uint64_t bits, std::uint64_t first,
                        std::uint64_t maps) {
  try {
    check_fault_source(source, bits, first, maps);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool before(const Fault& a, const Fault& b) { return a.address < b.address; }

/// The unit that fails with a cell: its number, counted in any way.
std::uint64_t unit_of(FaultSourceKind kind, const Geometry& geometry, std::uint64_t address) {
  const PhysicalCell cell = physical_cell(geometry, address);
  if (kind == FaultSourceKind::word) return address / geometry.word_bits;
  if (kind == FaultSourceKind::row) return cell.bank * geometry.rows + cell.row;
  if (kind == FaultSourceKind::bank) return cell.bank;
  return cell.bank * geometry.row_bits() + cell.column;
}

RC_GTEST_PROP(FaultSourceProperty, AscendingWithinTheMemoryAndUnique,
              (std::uint64_t seed, std::uint64_t map)) {
  const auto bits = *rc::gen::inRange<std::uint64_t>(0, 3000);
  const auto faults = draw(any_source(), seed, map, bits, any_rate());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    RC_ASSERT(faults[i].address < bits);
    RC_ASSERT((i == 0 ||
               faults[i - 1].address < faults[i].address));  // its own && and || do not stop early
  }
}

RC_GTEST_PROP(FaultSourceProperty, NestedInTheRateWithTheirCoins,
              (std::uint64_t seed, std::uint64_t map)) {
  const FaultSource source = any_source();
  const auto bits = *rc::gen::inRange<std::uint64_t>(1, 3000);
  const double one = any_rate(), other = any_rate();
  const auto few = draw(source, seed, map, bits, std::min(one, other));
  const auto many = draw(source, seed, map, bits, std::max(one, other));
  for (const Fault& fault : few) {
    const auto found = std::lower_bound(many.begin(), many.end(), fault, before);
    RC_ASSERT(found != many.end());
    RC_ASSERT(*found == fault);
  }
}

RC_GTEST_PROP(FaultSourceProperty, CellsDoNotDependOnHowManyFollow,
              (std::uint64_t seed, std::uint64_t map)) {
  const FaultSource source = any_source();
  const auto bits = *rc::gen::inRange<std::uint64_t>(0, 2000);
  const auto more = bits + *rc::gen::inRange<std::uint64_t>(0, 2000);
  const double rate = any_rate();
  auto longer = draw(source, seed, map, more, rate);
  std::erase_if(longer, [&](const Fault& fault) { return fault.address >= bits; });
  RC_ASSERT(draw(source, seed, map, bits, rate) == longer);
}

// The definition: all cells of a unit fail together and read the same.
RC_GTEST_PROP(FaultSourceProperty, UnitsFailAsAWhole, (std::uint64_t seed, std::uint64_t map)) {
  using Kind = FaultSourceKind;
  const Kind kind = *rc::gen::element(Kind::word, Kind::row, Kind::column, Kind::bank);
  const FaultSource source{.kind = kind, .geometry = kSmall};
  const auto bits = *rc::gen::inRange<std::uint64_t>(1, 1000);
  const auto faults = draw(source, seed, map, bits, any_rate());
  std::map<std::uint64_t, bool> broken;  // unit to coin
  for (const Fault& fault : faults) {
    broken.emplace(unit_of(kind, kSmall, fault.address), fault.coin);
  }
  std::vector<Fault> expected;
  for (std::uint64_t address = 0; address < bits; ++address) {
    const auto unit = broken.find(unit_of(kind, kSmall, address));
    if (unit != broken.end()) expected.push_back({address, unit->second});
  }
  RC_ASSERT(faults == expected);
}

RC_GTEST_PROP(FaultSourceProperty, CellsAreTheMapsOfTheMemory,
              (std::uint64_t seed, std::uint64_t map)) {
  const double rate = any_rate();
  std::vector<Fault> expected;
  draw_fault_map(seed, map, 5000, rate, expected);
  RC_ASSERT(draw({}, seed, map, 5000, rate) == expected);
}

TEST(FaultSource, RateZeroIsNoneAndRateOneIsAll) {
  for (const FaultSource& source : drawn_sources()) {
    for (const std::uint64_t bits : {0, 1, 4, 5, 14, 15, 105, 106, 1000}) {
      EXPECT_TRUE(draw(source, 1, 2, bits, 0).empty()) << to_string(source);
      EXPECT_EQ(draw(source, 1, 2, bits, 1).size(), bits) << to_string(source);
    }
    for (const double rate : {-1e-9, 1.0000001, std::numeric_limits<double>::quiet_NaN()}) {
      EXPECT_THROW(draw(source, 1, 2, 100, rate), Error) << to_string(source);
    }
  }
}

/// Variance of the number of faulty cells in a map.
double count_variance(const FaultSource& source, std::uint64_t bits, double rate) {
  using Kind = FaultSourceKind;
  const double p = rate;
  if (source.kind == Kind::cells || source.kind == Kind::burst) {
    // Cells at distance d < N share N - d starts: neither is covered with (1 - q)^(N + d).
    const auto n = static_cast<int>(source.burst);
    const double q = 1 - std::pow(1 - p, 1.0 / n);
    double variance = 0;
    for (int d = 1 - n; d < n; ++d) {
      const double both = 1 - 2 * (1 - p) + std::pow(1 - q, n + std::abs(d));
      variance += (static_cast<double>(bits) - std::abs(d)) * (both - p * p);
    }
    return variance;
  }
  std::map<std::uint64_t, double> sizes;
  for (std::uint64_t cell = 0; cell < bits; ++cell) {
    ++sizes[unit_of(source.kind, source.geometry, cell)];
  }
  double squares = 0;
  for (const auto& [unit, size] : sizes) squares += size * size;
  return squares * p * (1 - p);
}

TEST(FaultSource, ShareAndSpreadOfFaultyCells) {
  constexpr std::uint64_t kBits = 2000;  // ends within a bank, a row and a word
  constexpr int kMaps = 600;
  for (const FaultSource& source : drawn_sources()) {
    if (source.kind == FaultSourceKind::chip) continue;  // chip_profile_test
    for (const double rate : {0.003, 0.05, 0.3, 0.8}) {
      const double mean = kBits * rate, variance = count_variance(source, kBits, rate);
      double sum = 0, squares = 0;
      for (std::uint64_t map = 0; map < kMaps; ++map) {
        const auto count = static_cast<double>(draw(source, 7, map, kBits, rate).size());
        sum += count;
        squares += (count - mean) * (count - mean);
      }
      EXPECT_NEAR(sum / kMaps, mean, 4 * std::sqrt(variance / kMaps))
          << to_string(source) << " " << rate;
      // The kurtosis is 3 + 1 / (the expected number of broken units).
      const double few = (source.kind == FaultSourceKind::bank ? 105 : 15) / mean;
      EXPECT_NEAR(squares / kMaps, variance, 4 * variance * std::sqrt((2 + few) / kMaps))
          << to_string(source) << " " << rate;
    }
  }
}

TEST(FaultSource, EveryCellOfABurstMemoryFailsAtTheRate) {
  constexpr std::uint64_t kBits = 30;
  constexpr double kMaps = 20000, kRate = 0.1;
  for (const std::uint64_t length : {2, 8, 40}) {
    const FaultSource source{.kind = FaultSourceKind::burst, .burst = length};
    std::vector<double> counts(kBits), ones(kBits);
    for (std::uint64_t map = 0; map < kMaps; ++map) {
      for (const Fault& fault : draw(source, 5, map, kBits, kRate)) {
        ++counts[fault.address];
        ones[fault.address] += fault.coin;
      }
    }
    for (std::uint64_t cell = 0; cell < kBits; ++cell) {
      EXPECT_NEAR(counts[cell] / kMaps, kRate, 4 * std::sqrt(kRate * (1 - kRate) / kMaps))
          << length << " " << cell;
      EXPECT_NEAR(ones[cell] / counts[cell], 0.5, 4 * 0.5 / std::sqrt(counts[cell])) << cell;
    }
  }
}

TEST(FaultSource, BurstsAreNotCutInside) {
  constexpr std::uint64_t kBits = 20000, kLength = 6;
  const FaultSource source{.kind = FaultSourceKind::burst, .burst = kLength};
  std::map<std::uint64_t, int> runs;  // by length
  for (std::uint64_t map = 0; map < 20; ++map) {
    std::vector<bool> faulty(kBits);
    for (const Fault& fault : draw(source, 5, map, kBits, 0.02)) faulty[fault.address] = true;
    for (std::uint64_t cell = 0, run = 0; cell < kBits; ++cell) {
      run = faulty[cell] ? run + 1 : 0;
      const bool ends = run > 0 && cell + 1 < kBits && !faulty[cell + 1];
      if (!ends || cell + 1 == run) continue;  // one at the edge may be cut
      EXPECT_GE(run, kLength);
      ++runs[run];
    }
  }
  EXPECT_GT(runs[kLength], 10 * runs[kLength + 1]);
}

TEST(FaultSource, StartRateOfBursts) {
  for (const std::uint64_t length : {1, 2, 3, 4, 7, 8, 64, 100, 4095, 1 << 20}) {
    double last = 0;
    for (int step = 0; step <= 300; ++step) {
      const double rate = std::ldexp(0.5 + (step % 5) / 10.0, step / 5 - 60);
      const double q = burst_start_rate(rate, length);
      const auto n = static_cast<long double>(length);
      const long double expected = -std::expm1(std::log1p(-static_cast<long double>(rate)) / n);
      EXPECT_NEAR(q / static_cast<double>(expected), 1, 1e-13) << rate << " " << length;
      EXPECT_GE(q, last);
      last = q;
      if (length == 1) {
        EXPECT_EQ(q, rate);
      }
    }
    EXPECT_EQ(burst_start_rate(0, length), 0);
    EXPECT_EQ(burst_start_rate(1, length), 1);
  }
}

TEST(FaultSource, SourcesOfOneMapAreIndependent) {
  // Numbers of the broken units themselves, so that equal random numbers would show.
  constexpr std::uint64_t kUnits = 40000;
  constexpr double kRate = 0.05;
  std::vector<std::vector<std::uint64_t>> units;
  for (const char* text : {"cells", "burst:1", "word", "row", "column", "bank", "chip:1"}) {
    const FaultSource source = parse_fault_source(text, {2, 1, 1});
    const std::uint64_t size =
        source.kind == FaultSourceKind::cells || source.kind == FaultSourceKind::burst ||
                source.kind == FaultSourceKind::column || source.kind == FaultSourceKind::chip
            ? 1
            : 2;
    auto& numbers = units.emplace_back();
    for (const Fault& fault : draw(source, 3, 9, kUnits * size, kRate)) {
      if (fault.address % size == 0) numbers.push_back(fault.address / size);
    }
    EXPECT_NEAR(static_cast<double>(numbers.size()), kUnits * kRate, 4 * std::sqrt(kUnits * kRate));
  }
  const double mean = kUnits * kRate * kRate;
  for (std::size_t a = 0; a < units.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      std::vector<std::uint64_t> both;
      std::set_intersection(units[a].begin(), units[a].end(), units[b].begin(), units[b].end(),
                            std::back_inserter(both));
      EXPECT_NEAR(static_cast<double>(both.size()), mean, 4 * std::sqrt(mean)) << a << " " << b;
    }
  }
}

TEST(FaultSource, SingleCellsOneAMap) {
  const FaultSource source = parse_fault_source("single");
  int ones = 0;
  for (std::uint64_t map = 0; map < 1000; ++map) {
    const auto faults = draw(source, 1, map, 1000, 0);
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].address, map);
    EXPECT_EQ(draw(source, 1, map, 5000, 0.7), faults);
    ones += faults[0].coin;
  }
  EXPECT_NEAR(ones, 500, 4 * std::sqrt(250.0));
  EXPECT_THROW(draw(source, 1, 1000, 1000, 0), Error);
  EXPECT_EQ(check_error(source, 1000, 900, 100), "no error");
  EXPECT_EQ(check_error(source, 1000, 900, 101),
            "single cells: map 1000 would be cell 1000 of a memory of 1000 cells");
}

TEST(FaultSource, AFileGivesItsCells) {
  const TemporaryFolder folder;
  const auto path = folder / "chip.txt";
  const FaultMapFile map{400, {{3, true}, {17, false}, {399, true}}};
  write_fault_map_file(path, map);
  const FaultSource source = parse_fault_source("file:" + path.string());
  std::filesystem::remove(path);
  EXPECT_EQ(to_string(source), "file " + map.hash());
  EXPECT_EQ(draw(source, 1, 0, 400, 0.5), map.faults);
  EXPECT_EQ(draw(source, 2, 77, 400, 0), map.faults);
  EXPECT_THROW(draw(source, 1, 0, 399, 0.5), Error);
  EXPECT_THROW(parse_fault_source("file:" + path.string()), Error);
  EXPECT_EQ(check_error(source, 401, 0, 1),
            "the fault map file is for a memory of 400 cells, but this memory has 401");
}

TEST(FaultSource, NamesSayWhatSettlesTheCells) {
  const auto name = [](std::string_view text, const Geometry& geometry) {
    return to_string(parse_fault_source(text, geometry));
  };
  EXPECT_EQ(name("cells", {}), "");
  EXPECT_EQ(name("burst:4", {}), "burst 4");
  EXPECT_EQ(name("word", {}), "word 32");
  EXPECT_EQ(name("row", {}), "row 128");
  EXPECT_EQ(name("column", {}), "column 128x256");
  EXPECT_EQ(name("bank", {}), "bank 32768");
  EXPECT_EQ(name("chip:2", {}), "chip 2 128x256");
  EXPECT_EQ(name("single", {}), "single");
  // What two geometries have in common, they name alike, and the cells are the same.
  EXPECT_EQ(name("row", {16, 8, 1}), name("row", {32, 4, 256}));
  EXPECT_EQ(draw(parse_fault_source("row", {16, 8, 1}), 1, 1, 9999, 0.1),
            draw(parse_fault_source("row", {32, 4, 256}), 1, 1, 9999, 0.1));
}

TEST(FaultSource, MistakesAreNamed) {
  const auto error_of = [](std::string_view text) -> std::string {
    try {
      parse_fault_source(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(error_of("rows"),
            "unknown fault source \"rows\"; known: cells, burst:N, word, row, column, bank, "
            "chip:1, chip:2, chip:3, single, file:PATH");
  EXPECT_EQ(error_of("burst:0"),
            "fault source \"burst:0\": the length of a burst should be 1 to 1048576 cells "
            "(\"burst:4\")");
  for (const char* text : {"", "burst", "burst:", "burst:-1", "burst:4x", "burst: 4",
                           "burst:1048577", "burst:99999999999999999999", "file:", "Cells",
                           "cells ", "chip", "chip:", "chip:0", "chip:4", "chip:12"}) {
    EXPECT_NE(error_of(text), "accepted") << text;
  }
  EXPECT_THROW(parse_fault_source("row", {0, 1, 1}), Error);
  const FaultSource absurd{.kind = FaultSourceKind::column, .geometry = {32, 4, 0}};
  EXPECT_THROW(check_fault_source(absurd, 100, 0, 1), Error);
  EXPECT_THROW(draw(absurd, 1, 1, 100, 0.1), Error);
}

TEST(FaultSource, TheSameOnEveryThreadAndInReusedMemory) {
  for (const FaultSource& source : drawn_sources()) {
    std::vector<Fault> faults, elsewhere;
    draw_faults(source, 1, 0, 100000, 0.2, faults);
    const Fault* data = faults.data();
    for (std::uint64_t map = 0; map < 10; ++map) draw_faults(source, 1, map, 100000, 0.1, faults);
    EXPECT_EQ(faults.data(), data) << to_string(source);
    std::thread([&] { draw_faults(source, 1, 9, 100000, 0.1, elsewhere); }).join();
    EXPECT_EQ(elsewhere, faults);
  }
}

TEST(FaultSource, GoldenMaps) {
  // Stored results depend on every digit: if this test fails, the change is wrong, not the hash.
  const std::vector<std::pair<const char*, const char*>> golden = {
      {"cells", "3ee7373bd64c4c7e278f8ad03a467c5e"},
      {"burst:4", "c36515a626bbe6bdf7e1b29362a00987"},
      {"word", "22a3db9673c8b5f740066f8ee1dd538e"},
      {"row", "7066fa78a4418ba3820adf4f9777836e"},
      {"column", "c2d221cc6d58a6a27f7da0f825a658af"},
      {"single", "fa8d419e8b0d5ca9c2a1c92a238d9e80"},
      {"bank", "5e7081ff0631df99a5859341965417c5"},
      {"chip:1", "7490e90a044b730a52f865a47de360f7"},
      {"chip:2", "6c17dc6a8f1fb633e83903ffab538451"},
      {"chip:3", "a0f6a7e1893eaca6e331e5749095692b"}};
  for (const auto& [text, hash] : golden) {
    const FaultMapFile map{100000, draw(parse_fault_source(text), 1, 3, 100000, 0.05)};
    EXPECT_EQ(map.hash(), hash) << text;
  }
  // What is known is not part of a file.
  const auto chip = draw(parse_fault_source("chip:2"), 1, 3, 100000, 0.05);
  EXPECT_EQ(std::ranges::count(chip, true, &Fault::known), 828);
}

}  // namespace
}  // namespace flatenn
