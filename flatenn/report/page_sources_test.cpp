#include "flatenn/report/page_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

void write_analysis(const fs::path& path, const std::string& label) {
  make_folder(path.parent_path());
  write_file(path, analysis_json(example_analysis(label, 1)).dump());
}

/// A study's folder with a store of two networks.
class PageSources : public testing::Test {
 protected:
  PageSources() {
    store_.add("plain", 90, {{0, 50}, {1, 60}});
    store_.add("saq", 90, {{0, 68}, {1, 72}});
    make_folder(study_);
    fs::copy_file(store_.path(), study_ / "faults.db");
    // The store is still open: its last rows are in the log beside it.
    const std::string log = store_.path().string() + "-wal";
    if (fs::exists(log)) fs::copy_file(log, study_ / "faults.db-wal");
  }
  TestStore store_;
  TemporaryFolder folder_;
  fs::path study_ = folder_ / "my.study";
};

TEST_F(PageSources, AStoreAloneIsArmsAndATitle) {
  const PageInputs inputs = read_page(store_.path());
  EXPECT_EQ(inputs.title, "store");
  ASSERT_EQ(inputs.stores.size(), 1u);
  EXPECT_EQ(inputs.stores[0].arms.size(), 2u);
  EXPECT_TRUE(inputs.claims.empty());
  EXPECT_FALSE(inputs.study.has_value());
}

TEST_F(PageSources, LabelsAndMapsChoose) {
  PageSourceOptions options;
  options.labels = {"saq"};
  options.maps = {1, 2};
  const PageInputs inputs = read_page(store_.path(), options);
  ASSERT_EQ(inputs.stores[0].arms.size(), 1u);
  EXPECT_THAT(inputs.stores[0].arms[0].cells.at(0).accuracies, ElementsAre(72));
  options.labels = {"sax"};
  EXPECT_THROW(read_page(store_.path(), options), Error);
}

TEST_F(PageSources, AStudysFolderBringsWhatIsInIt) {
  write_file(study_ / "study.toml", std::string_view("seeds = [0]\n"));
  write_file(study_ / "summary.json", std::string_view(R"({"claims": [], "claims_by_cell": [
      {"id": "C3", "metric": "code", "holds": true, "points": 16, "lo": 15, "hi": 17,
       "kind": "flip", "rate": 0.05}], "claims_on_drop": [], "claims_by_cell_on_drop": []})"));
  write_analysis(study_ / "arms/b-seed0/analysis.json", "b-seed0");
  write_analysis(study_ / "arms/a-seed0/analysis.json", "a-seed0");
  StudyAnalysis study;
  study.best = "trace";
  write_file(study_ / "analysis.json", study_analysis_json(study).dump());
  const PageInputs inputs = read_page(study_ / "");  // a trailing slash changes nothing
  EXPECT_EQ(inputs.title, "my");
  EXPECT_EQ(inputs.settings, "seeds = [0]\n");
  EXPECT_EQ(inputs.claims.size(), 1u);
  EXPECT_EQ(inputs.study.value().best, "trace");
  ASSERT_EQ(inputs.analyses.size(), 2u);
  EXPECT_EQ(inputs.analyses[0].label, "a-seed0");
}

TEST_F(PageSources, LogsOfTheFolderSayWhatTrainingTook) {
  make_folder(study_ / "arms/plain");
  write_file(study_ / "arms/plain/log.jsonl", std::string_view("{\"seconds\": 2.5}\n"));
  const PageInputs inputs = read_run(study_);
  EXPECT_EQ(inputs.stores[0].arms[0].training_seconds, 2.5);
  EXPECT_LT(inputs.stores[0].arms[1].training_seconds, 0);
  EXPECT_LT(read_run(store_.path()).stores[0].arms[0].training_seconds, 0);
}

TEST_F(PageSources, ARunIsReadWithoutItsAnalyses) {
  make_folder(study_ / "arms/b");
  write_file(study_ / "arms/b/analysis.json", std::string_view("broken"));
  EXPECT_EQ(read_run(study_).stores[0].arms.size(), 2u);
  write_file(study_ / "summary.json", std::string_view("[]"));
  EXPECT_THROW(read_run(study_), Error);
}

TEST_F(PageSources, AnalysesCanBeAdded) {
  PageSourceOptions options;
  options.analyses = {folder_ / "x" / "one.json"};
  write_analysis(options.analyses[0], "one");
  EXPECT_EQ(read_page(store_.path(), options).analyses.at(0).label, "one");
  EXPECT_EQ(read_comparison(store_.path(), study_, options).analyses.size(), 1u);
}

TEST_F(PageSources, FilesThatAreNotWhatTheyShouldBeAreNamed) {
  const fs::path arm = study_ / "arms/a-seed0/analysis.json";
  make_folder(arm.parent_path());
  write_file(arm, std::string_view("{\"format\": 1}"));
  EXPECT_THAT([&] { read_page(study_); }, ThrowsMessage<Error>(HasSubstr(arm.string())));
  fs::remove(arm);
  write_file(study_ / "summary.json", std::string_view("[]"));
  EXPECT_THAT([&] { read_page(study_); }, ThrowsMessage<Error>(HasSubstr("summary.json")));
  EXPECT_THAT([&] { read_page(folder_.path()); },
              ThrowsMessage<Error>(HasSubstr("no faults.db in this folder")));
  EXPECT_THROW(read_page(folder_ / "gone.db"), Error);
}

TEST_F(PageSources, AComparisonTellsItsStoresApartAndLeavesClaimsOut) {
  write_file(study_ / "summary.json", std::string_view("[]"));  // not even read
  const PageInputs inputs = read_comparison(store_.path(), study_);
  ASSERT_EQ(inputs.stores.size(), 2u);
  EXPECT_EQ(inputs.title, "store and my");
  EXPECT_TRUE(inputs.claims.empty());
  const PageInputs same = read_comparison(store_.path(), store_.path());
  EXPECT_NE(same.stores[0].name, same.stores[1].name);
}

}  // namespace
}  // namespace flatenn
