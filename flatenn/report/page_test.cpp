#include "flatenn/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/report/page_sources.h"
#include "flatenn/report/testing.h"
#include "flatenn/report/verdict.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

PageInputs two_networks() {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}, {2, 55}});
  test.add("saq", 89, {{0, 64}, {1, 76}, {2, 70}});
  return read_page(test.path());
}

/// The JSON document of a page.
nlohmann::ordered_json document(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = html.find(open) + open.size();
  return nlohmann::ordered_json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

std::vector<std::string> ids(const PageInputs& inputs) {
  std::vector<std::string> ids;
  for (const PageSection& section : page_sections(inputs)) {
    for (const PageFigure& figure : section.figures) ids.push_back(figure.id);
  }
  return ids;
}

TEST(Page, HoldsTheFiguresOfTheStore) {
  const std::string html = page_html(two_networks());
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  const auto json = document(html);
  EXPECT_EQ(json["figures"][0]["id"], "accuracy");
  const auto& columns = json["figures"][0]["table"]["columns"];
  EXPECT_EQ(columns[0]["dict"], nlohmann::ordered_json({"plain", "saq"}));
  EXPECT_EQ(columns[3]["name"], "mean");
  EXPECT_EQ(columns[3]["values"], nlohmann::ordered_json({55, 70}));
}

TEST(Page, DefencesAreComparedWhereThereAreTwo) {
  EXPECT_THAT(ids(two_networks()), testing::IsSupersetOf({"pareto", "defences", "defence-pairs"}));
  const TestStore one;
  one.add("plain", 90, {{0, 50}, {1, 60}});
  EXPECT_THAT(ids(read_page(one.path())), Not(testing::Contains("pareto")));
}

TEST(Page, AsksNothingOfTheNetwork) {
  const std::string html = page_html(two_networks());
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, Not(HasSubstr("<script src")));
  EXPECT_THAT(html, Not(HasSubstr("rel=\"stylesheet\"")));
  EXPECT_LT(html.size(), 3u << 20);
}

TEST(Page, TheVerdictStandsOnTop) {
  const auto list = verdicts(two_networks());
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0].text, HasSubstr("saq keeps most, 70.0\u00a0%"));
  EXPECT_THAT(list[0].text, HasSubstr("plain least, 55.0\u00a0%"));
  const std::string html = page_html(two_networks());
  EXPECT_LT(html.find("saq keeps most"), html.find("<nav"));
}

TEST(Page, NoTextBecomesMarkup) {
  const std::string evil = "</script><script>alert(1)</script>";
  const TestStore test;
  test.add(evil, 90, {{0, 50}, {1, 60}});
  PageInputs inputs = read_page(test.path());
  inputs.title = evil;
  inputs.settings = evil;
  const std::string html = page_html(inputs);
  EXPECT_THAT(html, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_EQ(document(html)["figures"][0]["table"]["columns"][0]["dict"][0], evil);
}

TEST(Page, BytesThatAreNotTextDoNoHarm) {
  const TestStore test;
  test.add("net\xff", 90, {{0, 50}, {1, 60}});
  EXPECT_NO_THROW(document(page_html(read_page(test.path()))));
}

TEST(Page, AnEmptyStoreSaysWhatIsMissing) {
  const TestStore test;
  const std::string html = page_html(read_page(test.path()));
  EXPECT_THAT(html, HasSubstr("flatenn campaign"));
  EXPECT_THAT(html, HasSubstr("Nothing has been measured"));
  EXPECT_TRUE(document(html)["figures"].empty());
}

TEST(Page, ANetworkWithoutTrialsStillHasItsAccuracy) {
  const TestStore test;
  test.add("net", 90, {});
  const auto figures = ids(read_page(test.path()));
  EXPECT_THAT(figures, testing::ElementsAre("networks", "provenance-table"));
}

TEST(Page, SingleBitsBecomeAHeatMap) {
  const TestStore test;
  test.add_single_bits();
  const auto figures = ids(read_page(test.path()));
  EXPECT_THAT(figures, testing::Contains("bits-measured"));
}

TEST(Page, TwoStoresStandSideBySide) {
  const TestStore a, b;
  a.add("net", 90, {{0, 50}, {1, 60}});
  b.add("net", 91, {{0, 52}, {1, 64}});
  const PageInputs inputs = read_comparison(a.path(), b.path());
  EXPECT_NE(inputs.stores[0].name, inputs.stores[1].name);
  EXPECT_THAT(ids(inputs), testing::Contains("comparison"));
  const auto json = document(page_html(inputs));
  EXPECT_EQ(json["figures"][0]["options"]["side"], "store");
  const auto list = verdicts(inputs);
  EXPECT_THAT(list.back().text, HasSubstr("+3.0 points"));
}

TEST(Page, ManyCellsLeaveItSmall) {
  const TestStore test;
  for (int i = 0; i < 40; ++i) {
    std::vector<Trial> trials;
    for (int rate = 1; rate <= 200; ++rate) {
      trials.push_back({FaultKind::flip, rate / 1000.0, 0, 33, 3, 2, 1});
    }
    test.add_trials("network " + std::to_string(i), trials);
  }
  const std::string html = page_html(read_page(test.path()));
  EXPECT_LT(html.size(), 3u << 20);
  EXPECT_THAT(html, HasSubstr("3000 more are left out"));
}

}  // namespace
}  // namespace flatenn
