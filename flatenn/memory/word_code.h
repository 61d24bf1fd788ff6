// WordCode: check bits beside a word of up to 64 data bits, and what a read finds out with them.
//
//   parity  one check bit: the parity of the word. An odd number of errors is detected.
//   secded  Hamming's extended code (R. W. Hamming, "Error Detecting and Error Correcting Codes",
//           Bell System Technical Journal 29, 1950): r - 1 check bits with 2^(r-1) >= n + r for n
//           data bits, and the parity of everything: (72,64), (39,32), (22,16), (13,8). One error
//           is corrected, two are detected; three or more may be corrected wrongly.
//
// Both codes are linear, so what a read does depends on the errors alone and not on what is stored.
// A word may use fewer data bits than it has room for (the last one of a tensor): the others are 0,
// not stored, and free of errors.
#pragma once

#include <array>
#include <cstdint>

namespace flatenn {

enum class WordCodeKind { none, parity, secded };

class WordCode {
 public:
  /// What a read believes; `corrected` may be wrong from three errors on.
  enum class Verdict { clean, corrected, detected };

  struct Reading {
    Verdict verdict = Verdict::clean;
    std::uint64_t errors = 0;  ///< left in the data bits; as stored where the verdict is `detected`
  };

  /// No code: no check bits, nothing is ever found.
  WordCode() = default;
  /// Precondition: 1 <= data_bits <= 64.
  WordCode(WordCodeKind kind, int data_bits);

  WordCodeKind kind() const { return kind_; }
  int data_bits() const { return data_bits_; }
  int check_bits() const { return check_bits_; }

  /// The check bits stored beside `data`.
  std::uint32_t check(std::uint64_t data) const;

  /// Reads a word of which the set bits of `data` and `check` are wrong, of data_bits() bits or, at
  /// the end of a tensor, the lowest `used`.
  Reading read(std::uint64_t data, std::uint32_t check, int used) const;
  Reading read(std::uint64_t data, std::uint32_t check) const {
    return read(data, check, data_bits_);
  }

 private:
  WordCodeKind kind_ = WordCodeKind::none;
  int data_bits_ = 64;
  int check_bits_ = 0;
  /// Which data bits each check bit is the parity of. For secded that of everything comes last and
  /// covers the data bits that the other check bits do not already contribute.
  std::array<std::uint64_t, 8> covers_{};
  /// The data bit at each Hamming position below 128, -1 for check bits and beyond the word.
  std::array<std::int8_t, 128> data_bit_at_{};
};

}  // namespace flatenn
