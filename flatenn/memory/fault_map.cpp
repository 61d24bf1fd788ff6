#include "flatenn/memory/fault_map.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

/// A cell while the bands are put together: its address and, in the lowest bit, its coin.
using PackedCell = std::uint64_t;

/// Whose random numbers are drawn. The bands of stream n have the counters 128 n + band; those of
/// their lower digits follow 64 later.
struct Source {
  std::uint64_t seed, map, stream;
  std::uint64_t sub(std::uint64_t band) const { return stream << 7 | band; }
};

/// Thresholds in (lower, lower + width].
struct Band {
  std::uint64_t index;  ///< 0 .. 39, and 40 for the last one, which ends at 0
  double lower;
  double width;
};
constexpr std::uint64_t kLastBand = 40;

Band band(std::uint64_t index) {
  if (index == kLastBand) return {index, 0, std::ldexp(1.0, -static_cast<int>(index))};
  const double edge = std::ldexp(1.0, -static_cast<int>(index) - 1);
  return {index, edge, edge};
}

/// One 64-bit word makes one candidate: 52 bits for the gap, 11 for the upper digits of its place
/// within the band, one for the coin.
double gap_part(std::uint64_t word) {
  const double one_to_two = std::bit_cast<double>(word >> 12 | 0x3ff0000000000000);
  return 2 - one_to_two;  // uniform on (0, 1]
}
constexpr std::uint64_t kPlaces = 1 << 11;
std::uint64_t place_part(std::uint64_t word) { return word >> 1 & (kPlaces - 1); }
std::uint64_t coin_part(std::uint64_t word) { return word & 1; }

/// Natural logarithm of 0 < u <= 1, relative error below 1e-13, from exactly rounded operations in
/// an order that compilers can turn into vector instructions (portable_log branches).
double log_of_fraction(double u) {
  constexpr std::uint64_t kOne = 0x3ff0000000000000;       // 1.0
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
  const auto bits = std::bit_cast<std::uint64_t>(u);
  // u = 2^exponent * m with sqrt(1/2) <= m < sqrt(2); biased = exponent + 1023.
  const std::uint64_t biased = (bits + (kOne - kRootHalf)) >> 52;
  const double m = std::bit_cast<double>(bits + kOne - (biased << 52));
  const double exponent = std::bit_cast<double>(biased | 0x4330000000000000) - (0x1p52 + 1023);
  // log m = 2 atanh(s) = 2 (s + s^3/3 + ...), |s| < 0.172.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double sum = 1.0 / 15;
  sum = 1.0 / 13 + s2 * sum;
  sum = 1.0 / 11 + s2 * sum;
  sum = 1.0 / 9 + s2 * sum;
  sum = 1.0 / 7 + s2 * sum;
  sum = 1.0 / 5 + s2 * sum;
  sum = 1.0 / 3 + s2 * sum;
  return exponent * 0x1.62e42fefa39efp-1 + 2 * (s + s * (s2 * sum));
}

/// log(1 - q) for 0 < q < 1/2, also where 1 - q would lose q's digits: -2 atanh(q / (2 - q)).
double log_of_survival(double q) {
  const double z = q / (2 - q);
  double sum = 0;
  double power = z;
  for (int n = 1; n < 40; n += 2) {
    sum += power / n;
    power *= z * z;
  }
  return -2 * sum;
}

/// Cells between one candidate of the band and the next are geometric: floor(log u / log(1 - q)).
/// Returns 1 / log(1 - q), 0 for q = 1, where every cell is a candidate.
double gap_factor(const Band& band) {
  const double q = band.width / (1 - band.lower);
  return q < 1 ? 1 / log_of_survival(q) : 0;
}

/// How far into a band the asked rate reaches, in places: all of the lower `whole` ones and the
/// share `part` of the next.
struct Reach {
  std::uint64_t whole;
  double part;
};

Reach reach(const Band& band, double rate) {
  // Exact: the edges and the width are powers of two.
  const double places = std::min((rate - band.lower) / band.width, 1.0) * kPlaces;
  const auto whole = static_cast<std::uint64_t>(places);
  return {whole, places - static_cast<double>(whole)};
}

/// Whether candidate `number` lies below `reach` within its place: its lower digits are drawn only
/// when the upper ones do not decide.
bool within_place(const Source& source, const Band& band, std::uint64_t number,
                  const Reach& reach) {
  constexpr std::uint64_t kLowerDigits = 64;
  const auto block = random_block(source.seed, Purpose::fault_map, source.map,
                                  source.sub(kLowerDigits + band.index), number);
  return gap_part(block[0]) <= reach.part;
}

/// The cells of one band that are faulty at `rate`, ascending.
void draw_band(const Source& source, const Band& band, double rate, std::uint64_t bits,
               std::vector<PackedCell>& cells) {
  constexpr std::size_t kBatch = 256;
  std::array<std::uint64_t, kBatch> words;
  std::array<double, kBatch> gaps;
  const double factor = gap_factor(band);
  const Reach limit = reach(band, rate);
  std::size_t kept = 0;
  std::uint64_t next = 0;  // first cell not yet decided
  for (std::uint64_t number = 0;;) {
    // A batch as large as the candidates that are still to be expected, in whole blocks.
    const double expected = static_cast<double>(bits - next) * band.width / (1 - band.lower);
    const std::size_t count =
        expected < kBatch - 4 ? (static_cast<std::size_t>(expected) / 4 + 1) * 4 : kBatch;
    random_words(source.seed, Purpose::fault_map, source.map, source.sub(band.index), number / 4,
                 std::span(words.data(), count));
    for (std::size_t i = 0; i < count; ++i) gaps[i] = log_of_fraction(gap_part(words[i])) * factor;
    cells.resize(kept + count);
    for (std::size_t i = 0; i < count; ++i, ++number) {
      const auto gap = static_cast<std::uint64_t>(static_cast<std::int64_t>(gaps[i]));
      if (gap >= bits - next) return cells.resize(kept);
      next += gap;
      const std::uint64_t place = place_part(words[i]);
      cells[kept] = next++ << 1 | coin_part(words[i]);
      kept += place < limit.whole ||
              (place == limit.whole && within_place(source, band, number, limit));
    }
  }
}

/// A merge under way: two ascending ranges into one; of equal addresses that of the first range
/// comes first.
struct Merge {
  const PackedCell *a, *a_end, *b, *b_end;
  PackedCell* out;

  bool undecided() const { return a != a_end && b != b_end; }
  void step() {
    // Which side comes next is a coin toss, so no branch: 1 when the difference is negative.
    const std::uint64_t from_b = ((*b >> 1) - (*a >> 1)) >> 63;
    *out++ = *a ^ ((*a ^ *b) & (0 - from_b));
    a += 1 - from_b;
    b += from_b;
  }
  void finish() {
    while (undecided()) step();
    std::copy(b, b_end, std::copy(a, a_end, out));
  }
};

/// Both ascending by address into one; of equal addresses the one from `lower` comes first.
void merge(const std::vector<PackedCell>& lower, const std::vector<PackedCell>& band,
           std::vector<PackedCell>& merged) {
  merged.resize(lower.size() + band.size());
  const PackedCell *a = lower.data(), *a_end = a + lower.size();
  const PackedCell *b = band.data(), *b_end = b + band.size();
  // Two halves in step: each waits for its own memory, so together they take half the time.
  const PackedCell* a_middle = a + lower.size() / 2;
  const PackedCell* b_middle =
      a_middle == a_end ? b_end : std::lower_bound(b, b_end, *a_middle & ~PackedCell{1});
  Merge front{a, a_middle, b, b_middle, merged.data()};
  Merge back{a_middle, a_end, b_middle, b_end, merged.data() + (a_middle - a) + (b_middle - b)};
  while (front.undecided() && back.undecided()) {
    front.step();
    back.step();
  }
  front.finish();
  back.finish();
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::flip:
      return "flip";
    case FaultKind::stuck0:
      return "stuck0";
    case FaultKind::stuck1:
      return "stuck1";
    case FaultKind::stuck:
      return "stuck";
  }
  FLATENN_ASSERT(!"a fault kind without a name");
  return "";
}

FaultKind parse_fault_kind(std::string_view name) {
  for (const FaultKind kind :
       {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1, FaultKind::stuck}) {
    if (name == to_string(kind)) return kind;
  }
  fail("unknown fault kind \"{}\"; known: flip, stuck0, stuck1, stuck", name);
}

void draw_fault_map(std::uint64_t seed, std::uint64_t map, std::uint64_t bits, double rate,
                    std::vector<Fault>& faults, std::uint64_t stream) {
  if (!(rate >= 0 && rate <= 1)) fail("a fault rate is a fraction from 0 to 1, not {}", rate);
  FLATENN_ASSERT(bits < std::uint64_t{1} << 48 && stream < std::uint64_t{1} << 56);
  thread_local std::vector<PackedCell> lower, cells, merged;
  lower.clear();
  for (std::uint64_t index = kLastBand + 1; index-- > 0;) {
    const Band next = band(index);
    if (rate <= next.lower) break;
    draw_band({seed, map, stream}, next, rate, bits, cells);
    merge(lower, cells, merged);
    lower.swap(merged);
  }
  // A cell in several bands belongs to the lowest one, which comes first.
  faults.resize(lower.size());
  std::size_t n = 0;
  for (const PackedCell cell : lower) {
    const Fault fault{cell >> 1, (cell & 1) != 0};
    if (n == 0 || faults[n - 1].address != fault.address) faults[n++] = fault;
  }
  faults.resize(n);
}

}  // namespace flatenn
