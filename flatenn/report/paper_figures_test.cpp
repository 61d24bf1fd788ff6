#include "flatenn/report/paper_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

std::vector<std::string> names(const PageInputs& inputs) {
  std::vector<std::string> names;
  for (const PaperFigure& figure : paper_figures(inputs)) names.push_back(figure.name);
  return names;
}

TEST(PaperFigures, CurvesAndDifferencesOfAStore) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  test.add("saq", 90, {{0, 55}, {1, 62}});
  const PageInputs inputs = read_page(test.path());
  EXPECT_THAT(names(inputs), testing::ElementsAre("accuracy.svg", "differences.svg"));
  EXPECT_THAT(paper_figures(inputs)[1].svg, testing::HasSubstr("saq \u2212 plain"));
}

TEST(PaperFigures, AStudyShowsItsClaims) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  PageInputs inputs = read_page(test.path());
  inputs.claims = {{"C3", "code", false, true, true, 5, 4, 6, FaultKind::flip, 0.02}};
  EXPECT_THAT(names(inputs), testing::ElementsAre("accuracy.svg", "gains.svg"));
}

TEST(PaperFigures, AnEmptyStoreGivesAPictureThatSaysSo) {
  const TestStore test;
  EXPECT_THAT(paper_figures(read_page(test.path())).at(0).svg, testing::HasSubstr("no trials"));
}

}  // namespace
}  // namespace flatenn
