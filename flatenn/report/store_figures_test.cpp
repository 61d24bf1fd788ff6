#include "flatenn/report/store_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(StoreFigures, AccuracyOfEveryArmAndTheNetworksWithoutFaults) {
  const TestStore test;
  test.add("plain-seed0", 90, {{0, 50}, {1, 60}});
  test.add("plain-seed1", 88, {{0, 54}, {1, 64}});
  const PageSection section = accuracy_section(read_page(test.path()));
  const PageFigure& accuracy = figure(section, "accuracy");
  EXPECT_THAT(column(accuracy, "network"), ElementsAre("plain"));
  EXPECT_THAT(column(accuracy, "mean"), ElementsAre(57));
  EXPECT_THAT(column(accuracy, "seeds"), ElementsAre(2));
  EXPECT_THAT(column(accuracy, "maps"), ElementsAre(2));
  EXPECT_EQ(figure(section, "networks").table.rows(), 1u);
}

TEST(StoreFigures, NothingMeasuredNamesTheCommand) {
  PageInputs inputs;
  inputs.stores.push_back({"empty", {}});
  EXPECT_THAT(accuracy_section(inputs).missing, ElementsAre(HasSubstr("flatenn campaign")));
  const TestStore test;
  test.add("alone", 90, {{0, 50}, {1, 60}});
  EXPECT_THAT(differences_section(read_page(test.path())).missing,
              ElementsAre(HasSubstr("flatenn campaign A B")));
}

TEST(StoreFigures, DifferencesArePairedOnTheCommonMaps) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}, {2, 10}});
  test.add("saq", 90, {{0, 58}, {1, 70}});
  const PageSection section = differences_section(read_page(test.path()));
  ASSERT_EQ(section.figures.size(), 1u);
  EXPECT_THAT(column(section.figures[0], "points"), ElementsAre(9));
  EXPECT_THAT(column(section.figures[0], "maps"), ElementsAre(2));
}

TEST(StoreFigures, OneStoreIsComparedToNone) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  EXPECT_TRUE(comparison_section(read_page(test.path())).figures.empty());
  const PageSection two = comparison_section(read_comparison(test.path(), test.path()));
  EXPECT_THAT(column(figure(two, "comparison"), "points"), ElementsAre(0));
}

TEST(StoreFigures, WhereTheFiguresComeFrom) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  const PageSection section = provenance_section(read_page(test.path()));
  const PageFigure& table = figure(section, "provenance-table");
  EXPECT_THAT(column(table, "trials"), ElementsAre(2));
  EXPECT_THAT(column(table, "images"), ElementsAre(100));
}

}  // namespace
}  // namespace flatenn
