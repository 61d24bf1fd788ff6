#include "flatenn/memory/guard.h"

#include <gtest/gtest.h>

#include <string_view>

#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

TEST(Guard, ReadsAndWritesItsText) {
  EXPECT_FALSE(parse_guard("").any());
  const Guard guard = parse_guard("bound:1+secded:64+tmr:2");
  EXPECT_EQ(guard, (Guard{2, WordCodeKind::secded, 64, false, BoundRule::zero}));
  EXPECT_EQ(to_string(guard), "tmr:2+secded:64+bound:1");
  EXPECT_EQ(to_string(parse_guard("secded:16:zero")), "secded:16:zero");
  EXPECT_EQ(parse_guard("parity:8"), (Guard{0, WordCodeKind::parity, 8, true, BoundRule::none}));
  EXPECT_EQ(parse_guard("bound:2:channel"),
            (Guard{0, WordCodeKind::none, 0, false, BoundRule::largest, true}));
  EXPECT_EQ(to_string(parse_guard("bound:2:channel+tmr:1")), "tmr:1+bound:2:channel");
}

TEST(Guard, RefusesWhatItCannotRead) {
  const auto parse = [](std::string_view text) { return error_of([&] { parse_guard(text); }); };
  EXPECT_EQ(parse("secdec:64"),
            "guard: unknown \"secdec\"; known: tmr:K, parity:N, secded:N, secded:N:zero, "
            "bound:1..3, bound:1..3:channel");
  EXPECT_EQ(parse("secded:65"),
            "guard: secded should have 1 to 64 bits a word (\"secded:1\"), not \"65\"");
  EXPECT_EQ(parse("parity:8+secded:8"),
            "guard: parity and secded are two codes for the same words; choose one");
  for (const char* text :
       {"secded", "secded:", "secded:0", "secded:64:one", "secded:zero", "parity:8:zero", "bound:4",
        "bound:1:channels", "bound:channel", "bound:0", "tmr:0", "tmr:17", "+", "tmr:1+tmr:1",
        "tmr:1 bound:1", "\n"}) {
    EXPECT_TRUE(parse(text).starts_with("guard: ")) << text << ": " << parse(text);
  }
}

TEST(Guard, KnowsTheNamesOfItsParts) {
  for (const char* name : {"tmr", "parity", "secded", "bound"}) EXPECT_TRUE(names_guard(name));
  for (const char* name : {"", "protect", "interleave", "rotate", "tmr:1"}) {
    EXPECT_FALSE(names_guard(name)) << name;
  }
}

}  // namespace
}  // namespace flatenn
