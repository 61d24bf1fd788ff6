#include "flatenn/memory/protection.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

MemoryLayout layout(std::string_view text, MemoryParts parts = {}) {
  return MemoryLayout::parse(text, parts);
}

std::string check(std::string_view protection, std::string_view memory, MemoryParts parts = {}) {
  return error_of([&] { check_protection(parse_protection(protection), layout(memory, parts)); });
}

RC_GTEST_PROP(Protection, TextAndValueAreInverse, ()) {
  Protection protection;
  protection.headroom = *rc::gen::element(1.0, 1.5, 2.0, 64.0, 1.1);
  protection.placement.protect = *rc::gen::inRange(0, 17);
  protection.placement.interleave = *rc::gen::element<std::uint64_t>(1, 2, 1 << 20);
  if (protection.placement.protect == 0) {
    protection.placement.rotate = *rc::gen::element<std::uint64_t>(0, 1, 4);
  }
  if (*rc::gen::arbitrary<bool>()) protection.placement.skip = {3, 64, 512};
  protection.guard.voted = *rc::gen::inRange(0, 17);
  protection.guard.bound = static_cast<BoundRule>(*rc::gen::inRange(0, 4));
  protection.guard.channels =
      protection.guard.bound != BoundRule::none && *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) {
    protection.guard.code = WordCodeKind::secded;
    protection.guard.word_bits = *rc::gen::inRange(1, 65);
    protection.guard.zero = *rc::gen::arbitrary<bool>();
  }
  RC_ASSERT(parse_protection(to_string(protection)) == protection);
}

TEST(Protection, PeopleWriteItInAnyOrder) {
  EXPECT_EQ(to_string(read_protection("bound:1+interleave:8+headroom:2.0+tmr:1")),
            "headroom:2+interleave:8+tmr:1+bound:1");
  EXPECT_FALSE(read_protection("").any());
  EXPECT_EQ(read_protection("skip:8", Geometry{5, 3, 7}).placement.skip, (ColumnSkip{8, 15, 7}));
  for (const char* text : {"+", "tmr:1+", "+tmr:1", "headroom", "headroom:",
                           "headroom:2+headroom:3", "tmr:1+tmr:1", "nothing:1", "headroomy:2"}) {
    EXPECT_NE(error_of([&] { read_protection(text); }), "accepted") << text;
  }
}

// Stores are files from outside.
RC_GTEST_PROP(Protection, HostileTextsAreErrors, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('s', 'e', 'c', 'd', ':', '+', '6', '4', '1', 't', 'm', 'r', '\0', 'x'));
  try {
    RC_ASSERT(to_string(parse_protection(text)) == text);
  } catch (const Error&) {
  }
}

TEST(Protection, OtherTextsAreNotTaken) {
  for (const char* text : {"headroom:1", "headroom:nan", "headroom:2.0", "secded:64+interleave:8",
                           "headroom:65", "cells", "interleave:08"}) {
    EXPECT_NE(error_of([&] { parse_protection(text); }), "accepted") << text;
  }
}

TEST(Protection, FitsTheMemoryOrIsRefused) {
  const std::string memory = "conv1.weight 150x6, fc.weight 40x6, conv1.bias 6x16b, act 10x6a";
  EXPECT_EQ(check("", memory, {true, true, true}), "accepted");
  EXPECT_EQ(check("secded:60", memory), "accepted");
  EXPECT_EQ(check("secded:64", memory),
            "guard: words of 64 bits (secded:64) are not filled by the 6-bit codes of conv1.weight "
            "(memory: weights); 60 bits would be");
  EXPECT_EQ(check("parity:6", memory, {true, true, false}),
            "guard: words of 6 bits (parity:6) are not filled by the 16-bit codes of conv1.bias "
            "(memory: biases); 64 bits would be");
  EXPECT_EQ(check("parity:16", memory, {false, true, false}), "accepted");
  EXPECT_EQ(check("tmr:7", memory),
            "guard: tmr:7 votes on more bits than the 6 of a code of conv1.weight (memory: "
            "weights)");
  EXPECT_EQ(check("protect:7", memory),
            "placement: protect:7 asks for 1050 protected cells, but conv1.weight (memory: "
            "weights) has 900");
  EXPECT_EQ(check("protect:6", memory),
            "placement: protect:6 protects every cell of the memory (memory: weights), so none "
            "could fail");
  EXPECT_EQ(check("rotate:1+tmr:1+bound:1", memory, {true, false, true}), "accepted");
  EXPECT_EQ(check("bound:1", memory, {false, true, true}),
            "guard: bound:1 is about weights (memory: biases,activations)");
  EXPECT_EQ(check("parity:16", "fc.weight 10x8, act 10x6a", {true, false, true}),
            "guard: words of 16 bits (parity:16) are not filled by the 6-bit codes of act (memory: "
            "activations); 60 bits would be");
  EXPECT_EQ(check("skip:1:2x1", "fc.weight 1000000000000x8"), "accepted");
  EXPECT_EQ(check("skip:1048575:1048576x1", "fc.weight 1000000000000x8"),
            "memory: with the cells of skip:1048575:1048576x1 (8000000000000 before columns are "
            "skipped) it is too large");
}

TEST(Protection, WordsOfBuffersAreKnownUnderFlipsAlone) {
  const auto kind_error = [](std::string_view protection, MemoryParts parts, FaultKind kind) {
    return error_of([&] { check_kind(parse_protection(protection), parts, kind); });
  };
  const MemoryParts buffers{false, false, true};
  EXPECT_EQ(kind_error("secded:64", buffers, FaultKind::flip), "accepted");
  EXPECT_EQ(kind_error("rotate:1+tmr:1", buffers, FaultKind::stuck), "accepted");
  EXPECT_EQ(kind_error("secded:64", {}, FaultKind::stuck), "accepted");
  EXPECT_EQ(kind_error("secded:64", buffers, FaultKind::stuck0),
            "kinds and guard: with stuck0 in activation buffers secded:64 would depend on every "
            "image; take flips, tmr, a placement, or leave activations out of memory");
}

TEST(Protection, CostsWhatTheBooksSay) {
  const auto cost = [](std::string_view protection, std::string_view memory) {
    return protection_cost(parse_protection(protection), layout(memory));
  };
  // 8 check bits for 64: an eighth. 100 codes of 8 bits are 12.5 words.
  EXPECT_EQ(cost("secded:64", "a 100x8"), (ProtectionCost{800, 13 * 8, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(cost("secded:64", "a 800x8").overhead(), 12.5);
  EXPECT_DOUBLE_EQ(cost("parity:16", "a 800x8").overhead(), 6.25);
  EXPECT_DOUBLE_EQ(cost("tmr:1", "a 800x8").overhead(), 25);
  EXPECT_DOUBLE_EQ(cost("rotate:1", "a 800x8").overhead(), 37.5);
  EXPECT_DOUBLE_EQ(cost("rotate:4", "a 800x8").overhead(), 9.375);
  EXPECT_EQ(cost("protect:2", "a 100x8"), (ProtectionCost{800, 0, 0, 0, 200}));
  EXPECT_EQ(cost("headroom:2+bound:1", "a 100x8"), (ProtectionCost{800, 0, 0, 0, 0}));
  EXPECT_EQ(cost("tmr:1", "a 100x8, b 10x4"), (ProtectionCost{840, 220, 0, 0, 0}));
  // 904 cells with their check bits fill 9 rows of 112 of 128 columns, the last one in part.
  const ProtectionCost skipping = cost("skip:16:128x256+secded:64", "a 100x8");
  EXPECT_EQ(skipping, (ProtectionCost{800, 13 * 8, 0, 9 * 128 - 904, 0}));
  EXPECT_DOUBLE_EQ(skipping.overhead(), 44);
  EXPECT_DOUBLE_EQ(skipping.throughput(), 100 / 1.44);
  EXPECT_EQ(protected_cells(parse_protection("skip:16:128x256+secded:64"), layout("a 100x8")),
            9 * 128u);
}

}  // namespace
}  // namespace flatenn
