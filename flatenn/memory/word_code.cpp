#include "flatenn/memory/word_code.h"

#include <bit>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

std::uint32_t parity(std::uint64_t bits) {
  return static_cast<std::uint32_t>(std::popcount(bits)) & 1u;
}

/// The least m with 2^m >= n + m + 1.
int hamming_bits(int data_bits) {
  int m = 1;
  while ((1 << m) < data_bits + m + 1) ++m;
  return m;
}

}  // namespace

WordCode::WordCode(WordCodeKind kind, int data_bits) : kind_(kind), data_bits_(data_bits) {
  FLATENN_ASSERT(data_bits >= 1 && data_bits <= 64);
  if (kind == WordCodeKind::none) return;
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - data_bits);
  if (kind == WordCodeKind::parity) {
    check_bits_ = 1;
    covers_[0] = all;
    return;
  }
  const int hamming = hamming_bits(data_bits);
  check_bits_ = hamming + 1;
  data_bit_at_.fill(-1);
  // Data bits stand at the positions 3, 5, 6, 7, 9, ... that are no powers of two; check bit j, at
  // position 2^j, is the parity of those whose position has bit j.
  unsigned position = 3;
  for (int bit = 0; bit < data_bits; ++bit, ++position) {
    if (std::has_single_bit(position)) ++position;
    data_bit_at_[position] = static_cast<std::int8_t>(bit);
    for (int j = 0; j < hamming; ++j) {
      if (position >> j & 1) covers_[static_cast<std::size_t>(j)] |= std::uint64_t{1} << bit;
    }
  }
  // The parity of the data and the other check bits is that of the data bits that an even number
  // of check bits cover.
  std::uint64_t last = all;
  for (int j = 0; j < hamming; ++j) last ^= covers_[static_cast<std::size_t>(j)];
  covers_[static_cast<std::size_t>(hamming)] = last;
}

std::uint32_t WordCode::check(std::uint64_t data) const {
  std::uint32_t check = 0;
  for (int j = 0; j < check_bits_; ++j) {
    check |= parity(data & covers_[static_cast<std::size_t>(j)]) << j;
  }
  return check;
}

WordCode::Reading WordCode::read(std::uint64_t data, std::uint32_t check, int used) const {
  if (kind_ == WordCodeKind::none) return {Verdict::clean, data};
  // Check bits computed from what is read, against those that are read.
  const std::uint32_t syndrome = this->check(data) ^ check;
  if (syndrome == 0) return {Verdict::clean, data};
  if (kind_ == WordCodeKind::parity) return {Verdict::detected, data};
  const int hamming = check_bits_ - 1;
  const std::uint32_t position = syndrome & ((1u << hamming) - 1);
  // Every single error, in whatever bit, changes the parity of everything.
  if (parity(data) == parity(check)) return {Verdict::detected, data};
  if (position == 0 || std::has_single_bit(position)) return {Verdict::corrected, data};
  const int bit = data_bit_at_[position];
  if (bit < 0 || bit >= used) return {Verdict::detected, data};
  return {Verdict::corrected, data ^ std::uint64_t{1} << bit};
}

}  // namespace flatenn
