#include "flatenn/memory/fault_source.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/memory/chip_profile.h"

namespace flatenn {
namespace {

constexpr std::uint64_t kLongestBurst = std::uint64_t{1} << 20;

/// Streams of draw_fault_map: maps with one id share nothing between sources. Part of every result:
/// append, never renumber.
enum Stream : std::uint64_t {
  kWords = 1,
  kRows,
  kColumns,
  kBursts,
  kBurstCoins,
  kSingleCoins,
  kBanks,
  kChips,  ///< and every 256th beyond
};

/// The faulty units of one map; valid until the next call on this thread.
const std::vector<Fault>& draw_units(std::uint64_t seed, std::uint64_t map, std::uint64_t units,
                                     double rate, Stream stream) {
  thread_local std::vector<Fault> drawn;
  draw_fault_map(seed, map, units, rate, drawn, stream);
  return drawn;
}

/// Units of `size` neighbouring cells: words, rows and banks. The last one may be cut off.
void draw_blocks(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
                 std::uint64_t size, Stream stream, std::vector<Fault>& faults) {
  faults.clear();
  for (const Fault& unit : draw_units(seed, map, (bits + size - 1) / size, rate, stream)) {
    const std::uint64_t last = std::min((unit.address + 1) * size, bits);
    for (std::uint64_t cell = unit.address * size; cell < last; ++cell) {
      faults.push_back({cell, unit.coin});
    }
  }
}

/// The bit lines of all banks, numbered bank by bank; the last bank may lack some.
void draw_columns(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
                  const Geometry& geometry, std::vector<Fault>& faults) {
  faults.clear();
  const std::uint64_t width = geometry.row_bits(), bank_bits = geometry.bank_bits();
  const std::uint64_t lines = bits / bank_bits * width + std::min(bits % bank_bits, width);
  const std::vector<Fault>& units = draw_units(seed, map, lines, rate, kColumns);
  for (auto first = units.begin(); first != units.end();) {
    const std::uint64_t bank = first->address / width;
    const auto last = std::find_if(first, units.end(),
                                   [&](const Fault& unit) { return unit.address / width != bank; });
    const std::uint64_t end = std::min((bank + 1) * bank_bits, bits);
    for (std::uint64_t row = bank * bank_bits; row < end; row += width) {
      for (auto unit = first; unit != last; ++unit) {
        const std::uint64_t cell = row + (unit->address - bank * width);
        if (cell < end) faults.push_back({cell, unit->coin});
      }
    }
    first = last;
  }
}

/// Fair coins of single cells, 256 a block. Neighbours in turn cost one draw.
class Coins {
 public:
  Coins(std::uint64_t seed, std::uint64_t map, Stream stream)
      : seed_(seed), map_(map), sub_(std::uint64_t{stream} << 7) {}
  bool operator()(std::uint64_t address) {
    if (address >> 8 != position_) {
      position_ = address >> 8;
      block_ = random_block(seed_, Purpose::fault_map, map_, sub_, position_);
    }
    return block_[address >> 6 & 3] >> (address & 63) & 1;
  }

 private:
  std::uint64_t seed_, map_, sub_;
  std::uint64_t position_ = ~std::uint64_t{0};
  std::array<std::uint64_t, 4> block_{};
};

/// Start s covers the cells s - (length - 1) .. s, so that the first cells have as many starts as
/// all others.
void draw_bursts(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
                 std::uint64_t length, std::vector<Fault>& faults) {
  faults.clear();
  if (!(rate >= 0 && rate <= 1)) fail("a fault rate is a fraction from 0 to 1, not {}", rate);
  if (bits == 0) return;
  const double start_rate = burst_start_rate(rate, length);
  // A cell that two bursts cover must keep its coin when the second one appears at a higher rate,
  // so the coins are the cells' own.
  Coins coins(seed, map, kBurstCoins);
  std::uint64_t next = 0;  // first cell not yet decided
  for (const Fault& start : draw_units(seed, map, bits + length - 1, start_rate, kBursts)) {
    const std::uint64_t first = start.address < length ? 0 : start.address - (length - 1);
    const std::uint64_t last = std::min(start.address + 1, bits);
    for (next = std::max(next, first); next < last; ++next) faults.push_back({next, coins(next)});
  }
}

/// The probability that at least one of `length` starts of probability `q` is drawn, without
/// cancellation: of a + b starts it is A + B - A B.
double cover_rate(double q, std::uint64_t length) {
  double covered = q;
  for (int digit = static_cast<int>(std::bit_width(length)) - 2; digit >= 0; --digit) {
    covered = covered * (2 - covered);
    if (length >> digit & 1) covered = covered + q * (1 - covered);
  }
  return covered;
}

void check_map(const FaultSource& source, std::uint64_t bits, std::uint64_t map) {
  switch (source.kind) {
    case FaultSourceKind::cells:
      return;
    case FaultSourceKind::burst:
      FLATENN_ASSERT(source.burst >= 1 && source.burst <= kLongestBurst);
      return;
    case FaultSourceKind::word:
    case FaultSourceKind::row:
    case FaultSourceKind::column:
    case FaultSourceKind::bank:
    case FaultSourceKind::chip:
      return check_geometry(source.geometry);
    case FaultSourceKind::single:
      if (map >= bits) {
        fail("single cells: map {} would be cell {} of a memory of {} cells", map, map, bits);
      }
      return;
    case FaultSourceKind::file:
      FLATENN_ASSERT(source.file != nullptr);
      if (source.file->bits != bits) {
        fail("the fault map file is for a memory of {} cells, but this memory has {}",
             source.file->bits, bits);
      }
      return;
  }
}

FaultSource parse_burst(std::string_view text, std::string_view length) {
  FaultSource source{.kind = FaultSourceKind::burst};
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), source.burst);
  if (error != std::errc() || end != length.data() + length.size() || source.burst < 1 ||
      source.burst > kLongestBurst) {
    fail("fault source \"{}\": the length of a burst should be 1 to {} cells (\"burst:4\")", text,
         kLongestBurst);
  }
  return source;
}

}  // namespace

std::string to_string(const FaultSource& source) {
  const Geometry& geometry = source.geometry;
  switch (source.kind) {
    case FaultSourceKind::cells:
      return "";
    case FaultSourceKind::burst:
      return fmt::format("burst {}", source.burst);
    case FaultSourceKind::word:
      return fmt::format("word {}", geometry.word_bits);
    case FaultSourceKind::row:
      return fmt::format("row {}", geometry.row_bits());
    case FaultSourceKind::column:
      return fmt::format("column {}x{}", geometry.row_bits(), geometry.rows);
    case FaultSourceKind::bank:
      return fmt::format("bank {}", geometry.bank_bits());
    case FaultSourceKind::chip:
      return fmt::format("chip {} {}x{}", source.chip, geometry.row_bits(), geometry.rows);
    case FaultSourceKind::single:
      return "single";
    case FaultSourceKind::file:
      return "file " + source.file->hash();
  }
  FLATENN_ASSERT(!"a fault source without a name");
  return "";
}

FaultSource parse_fault_source(std::string_view text, const Geometry& geometry) {
  check_geometry(geometry);
  using Kind = FaultSourceKind;
  if (text == "cells") return {};
  if (text == "word") return {.kind = Kind::word, .geometry = geometry};
  if (text == "row") return {.kind = Kind::row, .geometry = geometry};
  if (text == "column") return {.kind = Kind::column, .geometry = geometry};
  if (text == "bank") return {.kind = Kind::bank, .geometry = geometry};
  if (text == "chip:1" || text == "chip:2" || text == "chip:3") {
    return {.kind = Kind::chip, .geometry = geometry, .chip = text.back() - '0'};
  }
  if (text == "single") return {.kind = Kind::single};
  if (text.starts_with("burst:")) return parse_burst(text, text.substr(6));
  if (text.starts_with("file:")) {
    auto file = std::make_shared<FaultMapFile>(read_fault_map_file(text.substr(5)));
    return {.kind = Kind::file, .file = std::move(file)};
  }
  fail(
      "unknown fault source \"{}\"; known: cells, burst:N, word, row, column, bank, chip:1, "
      "chip:2, "
      "chip:3, single, file:PATH",
      text);
}

void check_fault_source(const FaultSource& source, std::uint64_t bits, std::uint64_t first_map,
                        std::uint64_t maps) {
  check_map(source, bits, maps > 0 ? first_map + (maps - 1) : first_map);
}

void draw_faults(const FaultSource& source, std::uint64_t seed, std::uint64_t map,
                 std::uint64_t bits, double rate, std::vector<Fault>& faults) {
  const Geometry& geometry = source.geometry;
  check_map(source, bits, map);
  switch (source.kind) {
    case FaultSourceKind::cells:
      return draw_fault_map(seed, map, bits, rate, faults);
    case FaultSourceKind::burst:
      return draw_bursts(seed, map, bits, rate, source.burst, faults);
    case FaultSourceKind::word:
      return draw_blocks(seed, map, bits, rate, geometry.word_bits, kWords, faults);
    case FaultSourceKind::row:
      return draw_blocks(seed, map, bits, rate, geometry.row_bits(), kRows, faults);
    case FaultSourceKind::column:
      return draw_columns(seed, map, bits, rate, geometry, faults);
    case FaultSourceKind::bank:
      return draw_blocks(seed, map, bits, rate, geometry.bank_bits(), kBanks, faults);
    case FaultSourceKind::chip:
      return draw_chip(chip_profile(source.chip), geometry, kChips, seed, map, bits, rate, faults);
    case FaultSourceKind::single:
      faults.assign(1, {map, Coins(seed, 0, kSingleCoins)(map)});
      return;
    case FaultSourceKind::file:
      faults.assign(source.file->faults.begin(), source.file->faults.end());
      return;
  }
}

double burst_start_rate(double rate, std::uint64_t length) {
  FLATENN_ASSERT(rate >= 0 && rate <= 1 && length >= 1);
  // The largest q whose cover_rate is at most the rate, found by halving over all doubles in [0,
  // 1], which are ordered as their bits. A larger rate says yes wherever a smaller one does, so the
  // result never falls, whatever is rounded.
  std::uint64_t yes = 0, no = std::bit_cast<std::uint64_t>(1.0) + 1;
  while (no - yes > 1) {
    const std::uint64_t middle = yes + (no - yes) / 2;
    (cover_rate(std::bit_cast<double>(middle), length) <= rate ? yes : no) = middle;
  }
  return std::bit_cast<double>(yes);
}

}  // namespace flatenn
