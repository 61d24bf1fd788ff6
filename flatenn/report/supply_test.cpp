#include "flatenn/report/supply.h"

#include <gtest/gtest.h>

#include <string>

#include "flatenn/base/error.h"
#include "flatenn/campaign/testing.h"

namespace flatenn {
namespace {

const VoltageTable kTable = parse_voltage_table(
    "voltage_v,bit_error_rate,relative_energy\n1,1e-6,1\n0.8,0.01,0.7\n", "t.csv");

TEST(Supply, IsTheLowestVoltageWithTheRate) {
  const Supply supply = supply_at(kTable, example_subject_of(""), 1e-4).value();
  EXPECT_NEAR(supply.voltage, 0.9, 1e-12);  // half of the way in the logarithm
  EXPECT_NEAR(supply.read_energy, 85, 1e-9);
  EXPECT_FALSE(supply.end_of_table);
  EXPECT_TRUE(supply_at(kTable, example_subject_of(""), 0.05).value().end_of_table);
  EXPECT_EQ(supply_at(kTable, example_subject_of(""), 1e-7),
            std::nullopt);  // below the nominal voltage's
}

TEST(Supply, ReadingTakesAllThatProtectsTheData) {
  EXPECT_NEAR(supply_at(kTable, example_subject_of("cells | secded:64"), 0.01).value().read_energy,
              70 * 1.125, 1e-9);
  // 54 rows of 128 cells for 6,400.
  EXPECT_NEAR(
      supply_at(kTable, example_subject_of("chip 2 128x256 | skip:8:128x256"), 0.01)->read_energy,
      70 * 1.08, 1e-9);
  EXPECT_NEAR(supply_at(kTable, example_subject_of("row 128 | protect:2"), 0.01)->read_energy, 70,
              1e-9);
  Subject unknown = example_subject_of("");
  unknown.layout = "";  // of an older store
  EXPECT_NEAR(supply_at(kTable, unknown, 0.01)->read_energy, 70, 1e-9);
}

TEST(Supply, SourcesWithoutARateHaveNone) {
  EXPECT_EQ(supply_at(kTable, example_subject_of("single"), 0), std::nullopt);
  EXPECT_EQ(supply_at(kTable, example_subject_of("file abc"), 0), std::nullopt);
  EXPECT_EQ(supply_at(kTable, example_subject_of("file abc | secded:64"), 0), std::nullopt);
  EXPECT_THROW(supply_at(kTable, example_subject_of("cells | secded:60"), 0.01), Error);
}

}  // namespace
}  // namespace flatenn
