#include "flatenn/memory/protection_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

std::vector<std::string> parts_of(std::string_view text) {
  ProtectionText parts("guard", text, "tmr:K");
  std::vector<std::string> all;
  while (const auto part = parts.next()) {
    all.push_back(std::string(part->name) + "=" + std::string(part->value));
  }
  return all;
}

TEST(ProtectionText, GivesThePartsInTurn) {
  EXPECT_TRUE(parts_of("").empty());
  EXPECT_EQ(parts_of("tmr:1"), std::vector<std::string>{"tmr=1"});
  EXPECT_EQ(parts_of("b:64:zero+a+c:"), (std::vector<std::string>{"b=64:zero", "a=", "c="}));
}

TEST(ProtectionText, EmptyPartsAndNamesSaidTwiceAreErrors) {
  for (const char* text : {"+", "a:1+", "+a:1", "a:1++b:1", ":1"}) {
    EXPECT_TRUE(error_of([&] { parts_of(text); }).ends_with("has an empty part")) << text;
  }
  EXPECT_EQ(error_of([] { parts_of("a:1+b:1+a:2"); }), "guard: \"a:1+b:1+a:2\" says a twice");
  // Texts come from files: no line break, no bell, and not a megabyte.
  const std::string hostile = "\n\a" + std::string(1 << 20, 'x') + "+";
  const std::string message = error_of([&] { parts_of(hostile); });
  EXPECT_TRUE(message.starts_with("guard: \"??xxx"));
  EXPECT_LT(message.size(), 200u);
}

TEST(ProtectionText, NumbersAreWholeAndWithinTheirRange) {
  const auto number = [](std::string_view value) {
    ProtectionText parts("guard", "", "");
    return parts.number({"tmr", value}, 1, 16, "voted bits");
  };
  EXPECT_EQ(number("1"), 1u);
  EXPECT_EQ(number("16"), 16u);
  for (const char* value :
       {"", "0", "17", "-1", "+1", " 1", "1 ", "1.5", "0x1", "nan", "99999999999999999999999"}) {
    EXPECT_EQ(error_of([&] { number(value); }),
              "guard: tmr should have 1 to 16 voted bits (\"tmr:1\"), not \"" + std::string(value) +
                  "\"");
  }
}

TEST(ProtectionText, UnknownNamesAreToldWithTheKnownOnes) {
  ProtectionText parts("placement", "rotat:1", "rotate:G");
  const auto part = parts.next();
  EXPECT_EQ(error_of([&] { parts.fail_unknown(*part); }),
            "placement: unknown \"rotat\"; known: rotate:G");
}

}  // namespace
}  // namespace flatenn
