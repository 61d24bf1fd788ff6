#include "flatenn/analysis/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

AnalysisSettings read(std::string_view text) {
  AnalysisSettings settings;
  read_config_text(text, "a.toml", {}, [&](Binder& b) { bind(b, settings); });
  check_settings(settings);
  return settings;
}

std::string refusal(std::string_view text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(AnalysisSettings, AreReadAndChecked) {
  EXPECT_EQ(read("line_points = 11").line_points, 11);
  EXPECT_EQ(read("plane_points = 0").plane_points, 0);
  EXPECT_EQ(read("curvature_method = 'differences'").curvature_method,
            CurvatureMethod::differences);
  EXPECT_THAT(refusal("line_points = 10"), testing::HasSubstr("line_points: 10 points; an odd"));
  EXPECT_THAT(refusal("plane_points = 2"), testing::HasSubstr("plane_points"));
  EXPECT_THAT(refusal("line_point = 3"), testing::HasSubstr("did you mean 'line_points'"));
  EXPECT_THAT(refusal("images = -1"), testing::HasSubstr("images"));
}

TEST(AnalysisSettings, ThreadsAreNoPartOfWhatResultsDependOn) {
  AnalysisSettings a, b;
  b.threads = 7;
  EXPECT_EQ(analysis_settings_text(a), analysis_settings_text(b));
  b.draws = 3;
  EXPECT_NE(analysis_settings_text(a), analysis_settings_text(b));
}

}  // namespace
}  // namespace flatenn
