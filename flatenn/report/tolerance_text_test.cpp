#include "flatenn/report/tolerance_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Tolerated up to 1 %, shown between 0.8 and 1.2 %; under stuck-at-1 no end was found.
ToleranceReport example() {
  ToleranceReport report;
  report.rates = 115;
  report.max_maps = 2000;
  ModelTolerance model;
  model.subject.label = "standard";
  model.subject.dataset = "synthetic";
  model.subject.split = "test";
  model.subject.images = 200;
  model.subject.clean_correct = 180;
  ToleranceAnswer flips;
  flips.rate = 0.01;
  flips.lo = 0.008;
  flips.hi = 0.012;
  flips.bounded = true;
  flips.maps = 345;
  flips.rates.push_back({});
  flips.rates.back().rate = 0.008;
  flips.rates.back().maps = 45;
  flips.rates.back().loss = 0.002;
  flips.rates.back().shown = MeanSide::above;
  ToleranceAnswer stuck;
  stuck.rate = stuck.lo = 0.5;
  stuck.bounded = false;
  model.kinds = {{FaultKind::flip, flips}, {FaultKind::stuck1, stuck}};
  report.found = {model};
  return report;
}

TEST(ToleranceText, ARowANetworkAndKind) {
  const std::string text = tolerance_text(example());
  EXPECT_THAT(text, HasSubstr("costs at most 1 point of clean accuracy"));
  EXPECT_THAT(text, testing::ContainsRegex("standard +flip +90.00 +1 +0.8 +1.2 +345"));
  EXPECT_THAT(text, testing::ContainsRegex("standard +stuck1 +90.00 +50 +50 +- +0"));
  EXPECT_THAT(text, HasSubstr("95 % confidence a row"));
  EXPECT_THAT(text, HasSubstr("every one of 115 rates"));
  EXPECT_THAT(text, Not(HasSubstr("Voltages")));
}

TEST(ToleranceText, VoltagesStandBesideTheRates) {
  ToleranceReport report = example();
  report.table =
      parse_voltage_table("voltage_v,bit_error_rate\n1,0\n0.8,0.001\n0.6,0.1\n", "t.csv");
  report.table_name = "t.csv";
  const std::string text = tolerance_text(report);
  EXPECT_THAT(text, HasSubstr("lowest in t.csv with that bit error rate"));
  EXPECT_THAT(text, HasSubstr("taking energy as voltage squared"));
  // Half way between 0.8 and 0.6 V on the logarithm of the rate.
  EXPECT_THAT(text, HasSubstr("0.700"));
  // 50 % is beyond the table.
  EXPECT_THAT(text, HasSubstr("0.600 (end)"));
  const nlohmann::json kind = tolerance_json(report)["models"][0]["kinds"][0];
  EXPECT_NEAR(kind["at_rate"]["voltage"].get<double>(), 0.7, 1e-12);
  EXPECT_NEAR(kind["at_rate"]["energy_saved"].get<double>(), 1 - 0.49, 1e-12);
  EXPECT_GT(kind["at_lo"]["voltage"].get<double>(), 0.7);
}

TEST(ToleranceText, ARateBelowTheNominalVoltagesHasNone) {
  ToleranceReport report = example();
  report.table = parse_voltage_table("voltage_v,bit_error_rate\n1,0.2\n0.8,0.3\n", "t.csv");
  EXPECT_THAT(tolerance_text(report), HasSubstr("none"));
  EXPECT_TRUE(tolerance_json(report)["models"][0]["kinds"][0]["at_rate"].is_null());
}

TEST(ToleranceText, JsonHoldsTheAnswerAndItsEvidence) {
  const nlohmann::json json = tolerance_json(example());
  EXPECT_EQ(json["loss"], 1);
  EXPECT_EQ(json["confidence"], 95);
  const nlohmann::json model = json["models"][0];
  EXPECT_EQ(model["model"], "standard");
  EXPECT_EQ(model["clean"], 90);
  EXPECT_EQ(model["kinds"][0]["hi"], 0.012);
  EXPECT_EQ(model["kinds"][0]["looked_at"][0]["shown"], "tolerated");
  EXPECT_EQ(model["kinds"][0]["looked_at"][0]["loss"], 0.2);
  EXPECT_TRUE(model["kinds"][1]["hi"].is_null());
  EXPECT_FALSE(model["kinds"][1].contains("at_rate"));
}

}  // namespace
}  // namespace flatenn
