#include "flatenn/study/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/study/study.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

constexpr std::string_view kStudy = R"(
seeds = [0, 1]
[train]
dataset = "synthetic"
epochs = 2
batch = 64
optimizer.warmup_steps = 2
network.name = "mlp"
network.hidden = [12]
[[arm]]
name = "standard"
[[arm]]
name = "standard-saq-code"
metric = "code"
radius = 0.02
[campaign]
kinds = ["flip", "stuck1"]
rates = [0.02, 0.1]
maps = 4
images = 100
[validation]
maps = 2
images = 40
)";

ExplainSettings small() {
  ExplainSettings settings;
  settings.analysis.images = 50;
  settings.analysis.lines = 1;
  settings.analysis.line_points = 5;
  settings.analysis.plane_points = 0;
  settings.analysis.draws = 2;
  settings.analysis.restarts = 1;
  settings.analysis.steps = 2;
  settings.analysis.curvature_images = 20;
  settings.analysis.eigenvalues = 1;
  settings.analysis.trace_samples = 2;
  settings.sweep_maps = 3;
  return settings;
}

class Explain : public testing::Test {
 protected:
  void run_the_study(const std::vector<std::string>& overrides = {}) {
    StudySettings study;
    read_config_text(kStudy, "study.toml", overrides, [&](Binder& b) { bind(b, study); });
    run_study(study, folder_.path());
  }
  std::string refusal() {
    try {
      explain_study(small(), folder_.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  TemporaryFolder folder_;
};

TEST_F(Explain, SetsEveryMeasureAgainstEveryCell) {
  run_the_study();
  const StudyAnalysis result = explain_study(small(), folder_.path());
  ASSERT_EQ(result.networks.size(), 4u);
  EXPECT_EQ(result.networks[1].analysis.label, "standard-seed1");
  EXPECT_EQ(std::ranges::count(result.correlations, "Hessian trace", &Correlation::measure), 4);
  for (const Correlation& c : result.correlations) EXPECT_EQ(c.all.n, 4u) << c.measure;
  EXPECT_FALSE(result.best.empty());
  // Two arms' first seeds, by layers and by bits.
  ASSERT_EQ(result.rankings.size(), 4u);
  EXPECT_EQ(result.rankings[0].of, "layers");
  EXPECT_EQ(result.rankings[0].parts.size(), 2u);
  EXPECT_EQ(result.rankings[2].of, "bits");
  EXPECT_EQ(result.rankings[2].parts.size(), 4u);
  EXPECT_EQ(result.rankings[1].label, "standard-saq-code-seed0");
  EXPECT_EQ(study_analysis_json(result).dump() + "\n", read_text_file(folder_ / "analysis.json"));
  EXPECT_THAT(read_text_file(folder_ / "analysis.txt"), HasSubstr("Best: "));
}

TEST_F(Explain, WhatWasAnalysedIsKept) {
  run_the_study();
  const std::string first = study_analysis_json(explain_study(small(), folder_.path())).dump();
  const auto kept = folder_ / "arms" / "standard-seed0" / "analysis.json";
  const auto written = std::filesystem::last_write_time(kept);
  EXPECT_EQ(study_analysis_json(explain_study(small(), folder_.path())).dump(), first);
  EXPECT_EQ(std::filesystem::last_write_time(kept), written);
  // Other settings, another analysis; a damaged file is made again.
  ExplainSettings other = small();
  other.analysis.draws = 3;
  explain_study(other, folder_.path());
  EXPECT_EQ(parse_analysis(read_text_file(kept), "kept").flatness.average.n, 3u);
  write_file(kept, std::string_view("{"));
  EXPECT_EQ(study_analysis_json(explain_study(small(), folder_.path())).dump(), first);
}

TEST_F(Explain, SweepsTakeAllWeightsWhateverTheStudyExposed) {
  run_the_study({"campaign.exposed=['fc1.*']", "campaign.source='burst:2'"});
  const StudyAnalysis result = explain_study(small(), folder_.path());
  ASSERT_EQ(result.rankings.size(), 4u);
  EXPECT_EQ(result.rankings[0].parts.size(), 2u);
  EXPECT_EQ(result.rankings[2].parts.size(), 4u);
}

TEST_F(Explain, UnfinishedStudiesAreRefused) {
  EXPECT_THAT(refusal(), HasSubstr("no study.toml"));
  run_the_study();
  std::filesystem::remove(folder_ / "faults.db");
  Store::open(folder_ / "faults.db");
  EXPECT_THAT(refusal(), HasSubstr("no trials of standard-seed0"));
  std::filesystem::remove_all(folder_ / "arms" / "standard-seed1");
  EXPECT_THAT(refusal(), HasSubstr("standard-seed1"));
}

}  // namespace
}  // namespace flatenn
