#include "flatenn/base/random.h"

#include <Random123/philox.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {

std::array<std::uint64_t, 4> random_block(std::uint64_t seed, Purpose purpose, std::uint64_t index,
                                          std::uint64_t sub, std::uint64_t position) {
  const r123::Philox4x64::ctr_type counter = {{position, index, sub, 0}};
  const r123::Philox4x64::key_type key = {{seed, static_cast<std::uint64_t>(purpose)}};
  const auto block = r123::Philox4x64{}(counter, key);
  return {block[0], block[1], block[2], block[3]};
}

void random_words(std::uint64_t seed, Purpose purpose, std::uint64_t index, std::uint64_t sub,
                  std::uint64_t position, std::span<std::uint64_t> words) {
  FLATENN_ASSERT(words.size() % 4 == 0);
  const r123::Philox4x64::key_type key = {{seed, static_cast<std::uint64_t>(purpose)}};
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const auto block = r123::Philox4x64{}({{position + i / 4, index, sub, 0}}, key);
    std::copy_n(block.v, 4, &words[i]);
  }
}

std::uint64_t RandomStream::operator()() {
  if (used_ == 4) {
    block_ = random_block(seed_, purpose_, index_, sub_, position_++);
    used_ = 0;
  }
  return block_[used_++];
}

double RandomStream::uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

std::uint64_t RandomStream::below(std::uint64_t n) {
  FLATENN_ASSERT(n >= 1);
  // The high word of word * n is uniform once the low words that come up once too often are
  // rejected: fewer than n of 2^64, so the division is almost never reached.
  unsigned __int128 product = static_cast<unsigned __int128>((*this)()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<unsigned __int128>((*this)()) * n;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

namespace {

constexpr double kPi = 3.14159265358979323846;

// Taylor polynomials on [0, pi/4]; the first neglected term is below 1e-18.
double sine_series(double x) {
  const double x2 = x * x;
  double sum = 0;
  for (int n = 17; n >= 3; n -= 2) sum = (1 - sum) * x2 / (n * (n - 1));
  return x * (1 - sum);
}

double cosine_series(double x) {
  const double x2 = x * x;
  double sum = 0;
  for (int n = 18; n >= 2; n -= 2) sum = (1 - sum) * x2 / (n * (n - 1));
  return 1 - sum;
}

// cos(2 pi u) for 0 <= u < 1. The folding to an eighth of the circle is exact.
double cosine_of_turns(double u) {
  if (u > 0.5) u = 1 - u;
  const bool negative = u > 0.25;
  if (negative) u = 0.5 - u;
  const double value = u <= 0.125 ? cosine_series(2 * kPi * u) : sine_series(2 * kPi * (0.25 - u));
  return negative ? -value : value;
}

}  // namespace

double RandomStream::normal() {
  const double radius = std::sqrt(-2 * portable_log(1 - uniform()));
  return radius * cosine_of_turns(uniform());
}

double portable_log(double x) {
  FLATENN_ASSERT(x > 0);
  if (x == std::numeric_limits<double>::infinity()) return x;
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172: the first neglected term is below
  // 1e-18.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = s2 * (1.0 / k + sum);
  const double log_m = 2 * s + 2 * s * sum;
  // The upper part of log 2 has 32 bits, so its product with the exponent is exact.
  const double ln2_high = 0x1.62e42feep-1;
  const double ln2_low = 1.90821492927058770002e-10;
  return exponent * ln2_high + (exponent * ln2_low + log_m);
}

void random_permutation(RandomStream& stream, std::span<std::uint32_t> order) {
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
}

}  // namespace flatenn
