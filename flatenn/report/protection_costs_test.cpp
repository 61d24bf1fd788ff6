#include "flatenn/report/protection_costs.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

Subject subject(const std::string& source) {
  Subject subject = example_subject();
  subject.layout = "fc.weight 800x8";
  subject.source = source;
  return subject;
}

TEST(ProtectionCosts, AreSaidInBitsAndPercent) {
  EXPECT_EQ(protection_line(subject("")), "");
  EXPECT_EQ(protection_line(subject("burst 4")), "");
  EXPECT_EQ(protection_line(subject("cells | secded:64")),
            "protection secded:64: 800 bits beside 6400 (12.50 %)\n");
  EXPECT_EQ(
      protection_line(subject("cells | rotate:4")),
      "protection rotate:4: 600 bits beside 6400 (9.38 %), 600 of them with the chip's map\n");
  EXPECT_EQ(protection_line(subject("row 128 | protect:2")),
            "protection protect:2: 0 bits beside 6400 (0.00 %), 1600 bits in protected cells\n");
  EXPECT_TRUE(protection_json(subject("")).is_null());
  const auto json = protection_json(subject("cells | tmr:1+secded:64"));
  EXPECT_EQ(json["text"], "tmr:1+secded:64");
  EXPECT_EQ(json["check_bits"], 2400);
  EXPECT_EQ(json["overhead_percent"], 37.5);
}

// A store is a file from outside.
TEST(ProtectionCosts, OfContradictingTextsAreErrors) {
  EXPECT_THROW(protection_line(subject("cells | secded:60")), Error);
  EXPECT_THROW(protection_line(subject("cells | nothing")), Error);
}

}  // namespace
}  // namespace flatenn
