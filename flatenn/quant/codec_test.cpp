#include "flatenn/quant/codec.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

std::vector<CodeFormat> all_formats() {
  std::vector<CodeFormat> formats;
  for (int bits = 2; bits <= 8; ++bits) {
    for (const Encoding encoding :
         {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
      for (const bool saturating : {false, true}) formats.push_back({bits, encoding, saturating});
    }
  }
  return formats;
}

TEST(Codec, EveryCodeSurvivesStorage) {
  for (const CodeFormat& format : all_formats()) {
    for (int code = format.min_code(); code <= format.max_code(); ++code) {
      const std::uint8_t word = encode(format, code);
      EXPECT_LT(word, 1 << format.bits);
      EXPECT_EQ(decode(format, word), code);
    }
  }
}

TEST(Codec, EveryWordDecodesIntoTheRange) {
  for (const CodeFormat& format : all_formats()) {
    std::set<int> codes;
    int aliases = 0;
    for (int word = 0; word < 1 << format.bits; ++word) {
      const int code = decode(format, static_cast<std::uint8_t>(word));
      codes.insert(code);
      if (encode(format, code) != word) ++aliases;
    }
    EXPECT_EQ(*codes.begin(), format.min_code());
    EXPECT_EQ(*codes.rbegin(), format.max_code());
    EXPECT_EQ(static_cast<int>(codes.size()), format.max_code() - format.min_code() + 1);
    // Minus zero, or the lowest word of a saturating format, is the only second name of a code.
    const bool symmetric = format.saturating || format.encoding == Encoding::sign_magnitude;
    EXPECT_EQ(aliases, symmetric ? 1 : 0);
  }
}

TEST(Codec, OnlyTheLowBitsAreRead) {
  for (const CodeFormat& format : all_formats()) {
    for (int word = 0; word < 256; ++word) {
      const int low = word & ((1 << format.bits) - 1);
      EXPECT_EQ(decode(format, static_cast<std::uint8_t>(word)),
                decode(format, static_cast<std::uint8_t>(low)));
    }
  }
}

TEST(Codec, KnownWords) {
  const CodeFormat twos{4, Encoding::twos_complement};
  EXPECT_EQ(encode(twos, -8), 0b1000);
  EXPECT_EQ(encode(twos, -1), 0b1111);
  const CodeFormat offset{4, Encoding::offset_binary};
  EXPECT_EQ(encode(offset, -8), 0b0000);
  EXPECT_EQ(encode(offset, 0), 0b1000);
  EXPECT_EQ(encode(offset, 7), 0b1111);
  const CodeFormat sign{4, Encoding::sign_magnitude};
  EXPECT_EQ(encode(sign, -7), 0b1111);
  EXPECT_EQ(encode(sign, 7), 0b0111);
  EXPECT_EQ(decode(sign, 0b1000), 0);
  EXPECT_EQ(decode({4, Encoding::twos_complement, true}, 0b1000), -7);
  EXPECT_EQ(decode({4, Encoding::offset_binary, true}, 0b0000), -7);
  EXPECT_EQ(decode({8, Encoding::twos_complement}, 0x80), -128);
}

TEST(Codec, CodesOutsideTheRangeAreBugs) {
  EXPECT_THROW(encode({4, Encoding::twos_complement}, 8), InternalError);
  EXPECT_THROW(encode({4, Encoding::twos_complement}, -9), InternalError);
  EXPECT_THROW(encode({4, Encoding::twos_complement, true}, -8), InternalError);
  EXPECT_THROW(encode({4, Encoding::sign_magnitude}, -8), InternalError);
}

TEST(Codec, NamesRoundTrip) {
  for (const Encoding encoding :
       {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
    EXPECT_EQ(parse_encoding(to_string(encoding)), encoding);
  }
  try {
    parse_encoding("ones_complement");
    FAIL() << "an unknown name was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "unknown encoding \"ones_complement\"; known: twos_complement, offset_binary, "
              "sign_magnitude");
  }
}

TEST(Codec, ImpossibleWidthsAreRefused) {
  for (const int bits : {-1, 0, 1, 9, 1000}) {
    EXPECT_THROW(check_format({bits, Encoding::twos_complement}, "conv1"), Error) << bits;
  }
  for (int bits = 2; bits <= 8; ++bits) {
    EXPECT_NO_THROW(check_format({bits, Encoding::sign_magnitude}, "conv1"));
  }
}

}  // namespace
}  // namespace flatenn
