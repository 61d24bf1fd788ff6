#include "flatenn/report/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flatenn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

SubjectSummary example() {
  SubjectSummary summary;
  summary.subject.label = "sparse, \"x\"";
  summary.subject.model_hash = "abc";
  summary.subject.dataset = "fashion-mnist";
  summary.subject.split = "test";
  summary.subject.images = 10000;
  summary.subject.memory_bits = 4000;
  summary.subject.exposed_bits = 4000;
  summary.subject.float_accuracy = 91.5;
  summary.clean = 90, summary.clean_lo = 89.4, summary.clean_hi = 90.6;
  summary.cells = {
      {FaultKind::flip, 0.01, 50, 61.25, 5.5, 59.69, 62.81, 40.2, 39.5, 3210.5, 55.5, 66.5, true},
      {FaultKind::flip, 0.02, 1, 30, 0, 0, 100, 80, 80, 0, 0, 100}};
  return summary;
}

TEST(SummaryText, ShowsEveryFigureWithItsCountAndInterval) {
  EXPECT_EQ(summary_text({example()}),
            "sparse, \"x\" on fashion-mnist (test split, 10000 images)\n"
            "float 91.50 %, clean 90.00 % [89.40, 90.60], sparsity - %\n"
            "memory 4000 bits, exposed 4000\n"
            "\n"
            "kind  rate  accuracy %  95 % interval           anytime    sd   drop  maps  images  "
            "bits changed  of faulty\n"
            "----  ----  ----------  ---------------  --------------  ----  -----  ----  ------  "
            "------------  ---------\n"
            "flip  0.01       61.25  [59.69, 62.81]*  [55.50, 66.50]  5.50  28.75    50   10000  "
            "        39.5       40.2\n"
            "flip  0.02       30.00  [0.00, 100.00]   [0.00, 100.00]     -  60.00     1   10000  "
            "        80.0       80.0\n"
            "\n"
            "* A few maps lie far below the others (Cochran's rule: n < 25 skewness^2): the t "
            "interval may be too narrow; trust the anytime interval, or measure more maps.\n"
            "Accuracy: mean over fault maps with its 95 % t interval; anytime: 95 % confidence "
            "sequence, which holds also when the number of maps was chosen by looking; clean: 95 % "
            "Wilson interval over images.\n");
}

TEST(SummaryText, NamesAnExposureAndASourceOfItsOwn) {
  SubjectSummary summary = example();
  summary.subject.exposure = "fc1.*";
  summary.subject.source = "burst 4";
  EXPECT_THAT(summary_text({summary}), HasSubstr("exposed 4000 (fc1.*), faulty cells: burst 4\n"));
  EXPECT_THAT(summary_csv({summary}), HasSubstr(",test,fc1.*,burst 4,0,"));
}

TEST(SummaryText, ReadsRatesInVolts) {
  const VoltageTable table = parse_voltage_table(
      "voltage_v,bit_error_rate,relative_energy\n1,1e-6,1\n0.8,0.01,0.7\n", "t.csv");
  SubjectSummary summary = example();
  summary.subject.layout = "fc.weight 500x8";
  summary.subject.source = "cells | secded:64";
  EXPECT_THAT(summary_text({summary}, &table),
              AllOf(HasSubstr("of faulty  voltage  read %\n"), HasSubstr("40.2   0.800+    78.8\n"),
                    HasSubstr("80.0   0.800+    78.8\n"), HasSubstr("Voltage: the lowest")));
  EXPECT_THAT(summary_csv({summary}, &table), HasSubstr(",3210.5,0.8,1,78.82\n"));
  summary.cells[0].rate = 1e-4;  // half of the way in the logarithm
  summary.cells[1].rate = 1e-7;
  const auto json = nlohmann::json::parse(summary_json({summary}, 2, &table));
  const auto& supply = json["subjects"][0]["cells"][0]["supply"];
  EXPECT_NEAR(supply["voltage"].get<double>(), 0.9, 1e-12);
  EXPECT_NEAR(supply["read_energy_percent"].get<double>(), 85 * (1 + 63 * 8 / 4000.), 1e-9);
  EXPECT_EQ(supply["end_of_table"], false);
  EXPECT_TRUE(json["subjects"][0]["cells"][1]["supply"].is_null());
  EXPECT_FALSE(
      nlohmann::json::parse(summary_json({summary}))["subjects"][0]["cells"][0].contains("supply"));
}

TEST(OverviewText, IsOneRowASubjectWithoutFaults) {
  SubjectSummary clean = example();
  clean.cells.clear();
  EXPECT_THAT(overview_text({clean}), HasSubstr("sparse, \"x\"   10000    91.50    90.00  "
                                                "[89.40, 90.60]           -\n"));
  EXPECT_THAT(overview_text({example()}), HasSubstr("flip  0.01     61.25  [59.69, 62.81]"));
}

TEST(SummaryCsv, IsOneRowACell) {
  const std::string csv = summary_csv({example()});
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_THAT(
      csv,
      HasSubstr(
          "\n\"sparse, \"\"x\"\"\",abc,fashion-mnist,test,,,0,91.5,90,89.4,90.6,,"
          "4000,4000,flip,0.01,50,10000,61.25,5.5,59.69,62.81,55.5,66.5,1,39.5,40.2,3210.5\n"));
}

TEST(SummaryJson, HoldsTheFigures) {
  const auto json = nlohmann::json::parse(summary_json({example()}));
  EXPECT_EQ(json["format"], 1);
  const auto& subject = json["subjects"][0];
  EXPECT_EQ(subject["label"], "sparse, \"x\"");
  EXPECT_EQ(subject["clean_hi"], 90.6);
  EXPECT_TRUE(subject["sparsity"].is_null());
  EXPECT_EQ(subject["source"], "");
  EXPECT_EQ(subject["cells"].size(), 2u);
  EXPECT_EQ(subject["cells"][0]["kind"], "flip");
  EXPECT_EQ(subject["cells"][0]["maps"], 50);
  EXPECT_EQ(subject["cells"][0]["bits_changed"], 39.5);
  EXPECT_EQ(subject["cells"][0]["answers_changed"], 3210.5);
  EXPECT_EQ(subject["cells"][0]["anytime_hi"], 66.5);
  EXPECT_EQ(subject["cells"][0]["few_decide"], true);
  EXPECT_FALSE(subject.contains("single_bits"));
}

}  // namespace
}  // namespace flatenn
