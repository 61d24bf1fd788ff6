#include "flatenn/memory/word_code.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <set>
#include <vector>

namespace flatenn {
namespace {

using Verdict = WordCode::Verdict;

/// Errors at the given bits of a codeword: data bits first, check bits behind them.
struct Errors {
  std::uint64_t data = 0;
  std::uint32_t check = 0;
  void flip(const WordCode& code, int bit) {
    if (bit < code.data_bits()) {
      data ^= std::uint64_t{1} << bit;
    } else {
      check ^= 1u << (bit - code.data_bits());
    }
  }
};

int length(const WordCode& code) { return code.data_bits() + code.check_bits(); }

TEST(WordCode, ChecksAsManyBitsAsTheBooksSay) {
  const auto check_bits = [](int n) { return WordCode(WordCodeKind::secded, n).check_bits(); };
  EXPECT_EQ(check_bits(64), 8);
  EXPECT_EQ(check_bits(57), 7);
  EXPECT_EQ(check_bits(58), 8);
  EXPECT_EQ(check_bits(32), 7);
  EXPECT_EQ(check_bits(16), 6);
  EXPECT_EQ(check_bits(8), 5);
  EXPECT_EQ(check_bits(4), 4);
  EXPECT_EQ(check_bits(1), 3);
  EXPECT_EQ(WordCode(WordCodeKind::parity, 64).check_bits(), 1);
  EXPECT_EQ(WordCode().check_bits(), 0);
}

TEST(WordCode, SecdedCorrectsEverySingleErrorAndDetectsEveryDoubleOneOfEveryLength) {
  for (int bits = 1; bits <= 64; ++bits) {
    const WordCode code(WordCodeKind::secded, bits);
    for (int a = 0; a < length(code); ++a) {
      Errors one;
      one.flip(code, a);
      const WordCode::Reading single = code.read(one.data, one.check);
      ASSERT_EQ(single.verdict, Verdict::corrected) << bits << " bits, error at " << a;
      ASSERT_EQ(single.errors, 0u) << bits << " bits, error at " << a;
      for (int b = 0; b < a; ++b) {
        Errors two = one;
        two.flip(code, b);
        const WordCode::Reading pair = code.read(two.data, two.check);
        ASSERT_EQ(pair.verdict, Verdict::detected) << bits << " bits, errors at " << a << ", " << b;
        ASSERT_EQ(pair.errors, two.data);
      }
    }
  }
}

// The minimum distance is 4: three errors never look like none, and what they are taken for is
// either an error elsewhere or seen to be none that can be corrected.
TEST(WordCode, SecdedNeverTakesThreeErrorsForNone) {
  const WordCode code(WordCodeKind::secded, 64);
  int wrongly = 0, detected = 0;
  for (int a = 0; a < length(code); ++a) {
    for (int b = 0; b < a; ++b) {
      for (int c = 0; c < b; ++c) {
        Errors errors;
        for (const int bit : {a, b, c}) errors.flip(code, bit);
        const WordCode::Reading reading = code.read(errors.data, errors.check);
        ASSERT_NE(reading.verdict, Verdict::clean);
        (reading.verdict == Verdict::corrected ? wrongly : detected) += 1;
        if (reading.verdict == Verdict::corrected) {
          ASSERT_LE(std::popcount(reading.errors ^ errors.data), 1);
        }
      }
    }
  }
  EXPECT_GT(wrongly, 0);
  EXPECT_GT(detected, 0);
  EXPECT_EQ(wrongly + detected, 72 * 71 * 70 / 6);
}

TEST(WordCode, ParityDetectsOddNumbersOfErrors) {
  for (const int bits : {1, 4, 16, 64}) {
    const WordCode code(WordCodeKind::parity, bits);
    for (int a = 0; a < length(code); ++a) {
      Errors one;
      one.flip(code, a);
      EXPECT_EQ(code.read(one.data, one.check).verdict, Verdict::detected);
      for (int b = 0; b < a; ++b) {
        Errors two = one;
        two.flip(code, b);
        EXPECT_EQ(code.read(two.data, two.check).verdict, Verdict::clean);
        EXPECT_EQ(code.read(two.data, two.check).errors, two.data);
      }
    }
  }
}

/// Reads the stored bits themselves, position by position, without the code's own tables.
struct Naive {
  /// Bits at Hamming positions 1, 2, ...; that of everything at 0.
  static std::vector<bool> codeword(int bits, std::uint64_t data) {
    std::vector<bool> word(1, false);
    for (int next = 0; next < bits;) {
      const bool check = std::has_single_bit(word.size());
      word.push_back(!check && (data >> next & 1));
      if (!check) ++next;
    }
    for (std::size_t check = 1; check < word.size(); check *= 2) {
      for (std::size_t p = check + 1; p < word.size(); ++p) {
        if (p & check) word[check] = word[check] != word[p];
      }
    }
    for (std::size_t p = 1; p < word.size(); ++p) word[0] = word[0] != word[p];
    return word;
  }
};

RC_GTEST_PROP(WordCode, StoresWhatACodewordWrittenOutHas, ()) {
  const int bits = *rc::gen::inRange(1, 65);
  const auto data = *rc::gen::arbitrary<std::uint64_t>() & (~std::uint64_t{0} >> (64 - bits));
  const WordCode code(WordCodeKind::secded, bits);
  const std::vector<bool> word = Naive::codeword(bits, data);
  const std::uint32_t check = code.check(data);
  const int hamming = code.check_bits() - 1;
  for (int j = 0; j < hamming; ++j) {
    // A check bit beyond the last data bit's position covers nothing and is 0.
    const std::size_t position = std::size_t{1} << j;
    RC_ASSERT((check >> j & 1) == (position < word.size() && word[position] ? 1u : 0u));
  }
  RC_ASSERT((check >> hamming & 1) == (word[0] ? 1u : 0u));
}

// What a read does depends on the errors alone: decoding two stored words with the same errors
// leaves the same errors, because the syndrome of a stored word is zero.
RC_GTEST_PROP(WordCode, StoredWordsAreClean, ()) {
  const int bits = *rc::gen::inRange(1, 65);
  const WordCode code(*rc::gen::element(WordCodeKind::parity, WordCodeKind::secded), bits);
  const auto data = *rc::gen::arbitrary<std::uint64_t>() & (~std::uint64_t{0} >> (64 - bits));
  const WordCode::Reading reading = code.read(data, code.check(data));
  RC_ASSERT(reading.verdict == Verdict::clean);
}

TEST(WordCode, NeverCorrectsABitThatAShortWordLacks) {
  const WordCode code(WordCodeKind::secded, 64);
  for (int used = 1; used <= 64; ++used) {
    for (int a = 0; a < used; ++a) {
      for (int b = 0; b < a; ++b) {
        for (int c = 0; c < b; ++c) {
          const std::uint64_t errors =
              std::uint64_t{1} << a | std::uint64_t{1} << b | std::uint64_t{1} << c;
          const WordCode::Reading reading = code.read(errors, 0, used);
          ASSERT_EQ(used < 64 ? reading.errors >> used : 0, 0u);
        }
      }
    }
  }
}

TEST(WordCode, WithoutACodeReadsWhatIsThere) {
  const WordCode::Reading reading = WordCode().read(5, 0);
  EXPECT_EQ(reading.verdict, Verdict::clean);
  EXPECT_EQ(reading.errors, 5u);
}

}  // namespace
}  // namespace flatenn
