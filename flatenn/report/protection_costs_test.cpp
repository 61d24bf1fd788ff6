#include "flatenn/report/protection_costs.h"

#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

TEST(ProtectionCosts, AreSaidInBitsAndPercent) {
  EXPECT_EQ(protection_line(example_subject_of("")), "");
  EXPECT_EQ(protection_line(example_subject_of("burst 4")), "");
  EXPECT_EQ(protection_line(example_subject_of("cells | secded:64")),
            "protection secded:64: 800 bits beside 6400 (12.50 %), throughput 88.89 %\n");
  EXPECT_EQ(protection_line(example_subject_of("cells | rotate:4")),
            "protection rotate:4: 600 bits beside 6400 (9.38 %), 600 of them with the chip's map, "
            "throughput 91.43 %\n");
  EXPECT_EQ(protection_line(example_subject_of("row 128 | protect:2")),
            "protection protect:2: 0 bits beside 6400 (0.00 %), 1600 bits in protected cells, "
            "throughput 100.00 %\n");
  EXPECT_EQ(protection_line(example_subject_of("cells | skip:8:128x256")),
            "protection skip:8:128x256: 512 bits beside 6400 (8.00 %), 512 of them in skipped "
            "columns, throughput 92.59 %\n");
  EXPECT_TRUE(protection_json(example_subject_of("")).is_null());
  const auto json = protection_json(example_subject_of("cells | tmr:1+secded:64"));
  EXPECT_EQ(json["text"], "tmr:1+secded:64");
  EXPECT_EQ(json["check_bits"], 2400);
  EXPECT_EQ(json["skipped_bits"], 0);
  EXPECT_EQ(json["overhead_percent"], 37.5);
  EXPECT_DOUBLE_EQ(json["throughput_percent"], 100 / 1.375);
}

TEST(ProtectionCosts, OfAMemoryWithAndWithoutProtection) {
  EXPECT_EQ(stored_cost(example_subject_of("")), (ProtectionCost{6400, 0, 0, 0}));
  EXPECT_EQ(stored_cost(example_subject_of("cells | rotate:4")), (ProtectionCost{6400, 0, 600, 0}));
  EXPECT_EQ(stored_cost(example_subject_of("cells | rotate:4+secded:64"))->stored(), 7800u);
  Subject unknown = example_subject_of("cells | secded:64");
  unknown.layout = "";
  EXPECT_EQ(stored_cost(unknown), std::nullopt);
}

TEST(ProtectionCosts, WithoutItsProtectionAMemoryHasItsCodesAlone) {
  Subject guarded = example_subject_of("cells | protect:1+secded:64");
  guarded.exposure = "*:top";
  guarded.memory_bits = 7200;
  guarded.exposed_bits = 1;
  Subject plain = unprotected_subject(guarded);
  EXPECT_EQ(plain.source, "");
  EXPECT_EQ(plain.memory_bits, 6400u);
  EXPECT_EQ(plain.exposed_bits, 800u);
  EXPECT_EQ(unprotected_subject(example_subject_of("row 128 | protect:2")).source, "row 128");
  EXPECT_EQ(unprotected_subject(example_subject_of("burst 4")), example_subject_of("burst 4"));
  guarded.layout = "";
  EXPECT_EQ(unprotected_subject(guarded).memory_bits, 7200u);
}

// A store is a file from outside.
TEST(ProtectionCosts, OfContradictingTextsAreErrors) {
  EXPECT_THROW(protection_line(example_subject_of("cells | secded:60")), Error);
  EXPECT_THROW(protection_line(example_subject_of("cells | nothing")), Error);
  EXPECT_THROW(stored_cost(example_subject_of("cells | secded:60")), Error);
}

}  // namespace
}  // namespace flatenn
