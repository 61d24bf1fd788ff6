#include "flatenn/analysis/voltage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

VoltageTable parse(const std::string& text) { return parse_voltage_table(text, "t.csv"); }

std::string parse_error(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const char* kPlain =
    "# chip 7\n"
    "voltage_v,bit_error_rate\n"
    "1.0,0\n"
    "0.8,1e-6\n"
    "\n"
    "0.6,1e-2\n";

TEST(VoltageTable, ReadsRowsInEitherOrder) {
  const VoltageTable table = parse(kPlain);
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_FALSE(table.has_energy);
  EXPECT_EQ(table.rows[0].voltage, 1);
  EXPECT_EQ(table.rows[2].bit_error_rate, 1e-2);
  EXPECT_EQ(table.rows[2].energy, 0.6 * 0.6);
  EXPECT_EQ(parse("bit_error_rate , voltage_v\r\n1e-2,0.6\r\n1e-6,0.8\r\n0,1.0"), table);
  EXPECT_EQ(parse(serialize_voltage_table(table)), table);
  const VoltageTable energies =
      parse("voltage_v,relative_energy,bit_error_rate\n1,100,0\n0.8,70,1e-6");
  EXPECT_TRUE(energies.has_energy);
  EXPECT_EQ(energies.rows[1].energy, 70);
  EXPECT_EQ(parse(serialize_voltage_table(energies)), energies);
}

TEST(VoltageTable, InterpolatesTheLogarithm) {
  const VoltageTable table = parse(kPlain);
  // Half way from 1e-6 to 1e-2 in the logarithm is 1e-4.
  const auto middle = lowest_voltage(table, 1e-4);
  ASSERT_TRUE(middle);
  EXPECT_NEAR(middle->voltage, 0.7, 1e-12);
  EXPECT_NEAR(middle->energy_saved, 1 - 0.49, 1e-12);
  EXPECT_FALSE(middle->end_of_table);
  EXPECT_NEAR(lowest_voltage(table, 1e-6)->voltage, 0.8, 1e-12);
}

TEST(VoltageTable, StaysAtRowsWithoutErrors) {
  const VoltageTable table = parse(kPlain);
  EXPECT_EQ(lowest_voltage(table, 0)->voltage, 1);
  EXPECT_EQ(lowest_voltage(table, 0)->energy_saved, 0);
  EXPECT_EQ(lowest_voltage(table, 9e-7)->voltage, 1);
}

TEST(VoltageTable, EndsWhereTheTableEnds) {
  const VoltageTable table = parse(kPlain);
  for (const double rate : {1e-2, 0.5}) {
    const auto lowest = lowest_voltage(table, rate);
    EXPECT_EQ(lowest->voltage, 0.6);
    EXPECT_TRUE(lowest->end_of_table);
  }
  EXPECT_FALSE(lowest_voltage(parse("voltage_v,bit_error_rate\n1,1e-5\n0.9,1e-3"), 1e-6));
}

TEST(VoltageTable, EqualRatesTakeTheLowerVoltage) {
  const VoltageTable table = parse("voltage_v,bit_error_rate\n1,1e-5\n0.9,1e-5\n0.8,1e-4");
  EXPECT_NEAR(lowest_voltage(table, 1e-5)->voltage, 0.9, 1e-12);
}

TEST(VoltageTable, UsesTheTablesEnergies) {
  const VoltageTable table =
      parse("voltage_v,bit_error_rate,energy_per_bit\n1.0,1e-8,8\n0.8,1e-6,5\n0.6,1e-2,4");
  EXPECT_NEAR(lowest_voltage(table, 1e-4)->energy_saved, 1 - 4.5 / 8, 1e-12);
}

TEST(VoltageTable, MistakesNameTheirLine) {
  EXPECT_THAT(parse_error(""), HasSubstr("t.csv:1: no table"));
  EXPECT_THAT(parse_error("# nothing\n"), HasSubstr("t.csv:1: no table"));
  EXPECT_THAT(parse_error("voltage_v,bit_error_rate\n1,0\n"), HasSubstr("needs two"));
  EXPECT_EQ(parse_error("voltage,bit_error_rate\n1,0\n0.9,0\n"),
            "t.csv:1: unknown column \"voltage\"; did you mean 'voltage_v'?");
  EXPECT_EQ(parse_error("voltage_v\n1\n0.9\n"),
            "t.csv:1: the column \"bit_error_rate\" is missing");
  EXPECT_EQ(parse_error("voltage_v,voltage_v\n"), "t.csv:1: a second column \"voltage_v\"");
  EXPECT_THAT(parse_error("bit_error_rate,voltage_v,energy_per_bit,relative_energy\n"),
              HasSubstr("a second column"));
  const std::string head = "voltage_v,bit_error_rate\n";
  EXPECT_EQ(parse_error(head + "1,0\n0.9,nan\n"),
            "t.csv:3: bit_error_rate nan is not between 0 and 1");
  EXPECT_EQ(parse_error(head + "1,0\n0.9,-1e-3\n"),
            "t.csv:3: bit_error_rate -1e-3 is not between 0 and 1");
  EXPECT_THAT(parse_error(head + "1,0\n0.9,1.5\n"), HasSubstr("t.csv:3"));
  EXPECT_EQ(parse_error(head + "1,0\n0.9,5 %\n"),
            "t.csv:3: bit_error_rate \"5 %\" is not a number");
  EXPECT_THAT(parse_error(head + "1,0\n0,0.1\n"), HasSubstr("voltage_v 0 is not between"));
  EXPECT_THAT(parse_error(head + "inf,0\n"), HasSubstr("voltage_v inf is not between"));
  EXPECT_EQ(parse_error(head + "1,0\n0.9\n"), "t.csv:3: 1 cells, but 2 columns");
  EXPECT_THAT(parse_error(head + "1,0\n0.9,0.1\n0.95,0.2\n"),
              HasSubstr("t.csv:4: voltage 0.95 after 0.9"));
  EXPECT_THAT(parse_error(head + "1,0\n1,0.1\n"), HasSubstr("t.csv:3: voltage 1 after 1"));
  EXPECT_EQ(
      parse_error(head + "1,0.1\n0.9,0.01\n"),
      "t.csv:3: the bit error rate falls from 0.1 to 0.01 as the voltage falls from 1 to 0.9");
  EXPECT_THAT(parse_error(head + "0.9,0.01\n1,0.1\n"), HasSubstr("t.csv:3: the bit error rate"));
  EXPECT_THAT(parse_error("voltage_v,bit_error_rate,energy_per_bit\n1,0,-3\n"),
              HasSubstr("energy -3"));
  EXPECT_EQ(parse_error("\x1b[31m,b\n").find('\x1b'), std::string::npos);
  std::string many = head;
  for (int i = 0; i <= 10'000; ++i) many += fmt::format("{},0\n", 1 + i * 1e-3);
  EXPECT_EQ(parse_error(many), "t.csv:10002: more than 10000 rows");
}

TEST(VoltageTable, FilesThatAreTooLarge) {
  const TemporaryFolder folder;
  write_file(folder / "t.csv", std::string(2 << 20, '#'));
  EXPECT_THROW(read_voltage_table(folder / "t.csv"), Error);
  EXPECT_THROW(read_voltage_table(folder / "none.csv"), Error);
  write_file(folder / "t.csv", kPlain);
  EXPECT_EQ(read_voltage_table(folder / "t.csv"), parse(kPlain));
}

TEST(VoltageTable, WhatShipsCanBeRead) {
  const std::filesystem::path folder =
      std::filesystem::path(FLATENN_SOURCE_DIR) / "configs/voltage";
  int tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const VoltageTable table = read_voltage_table(entry.path());
    EXPECT_EQ(table.rows.front().bit_error_rate, 0) << entry.path();
    ++tables;
  }
  EXPECT_EQ(tables, 2);
}

}  // namespace
}  // namespace flatenn
