#include "flatenn/report/curves_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

SubjectSummary example(const std::string& label) {
  SubjectSummary summary;
  summary.subject.label = label;
  summary.clean = 90;
  for (const FaultKind kind : {FaultKind::flip, FaultKind::stuck0}) {
    summary.cells.push_back({kind, 0, 5, 90, 0, 90, 90, 0, 0});
    summary.cells.push_back({kind, 0.001, 5, 85, 1, 84, 86, 10, 10});
    summary.cells.push_back({kind, 0.1, 5, 45, 1, 41, 49, 900, 900});
  }
  return summary;
}

TEST(CurvePanels, OneAKindWithTheRatesAboveZero) {
  const auto panels = curve_panels({example("a"), example("b")});
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[0].title, "flip");
  ASSERT_EQ(panels[0].curves.size(), 2u);
  EXPECT_EQ(panels[0].curves[1].label, "b");
  EXPECT_EQ(panels[0].curves[1].points.size(), 2u);
}

TEST(CurvesSvg, DrawsALineAndABandACurveAndOneLegend) {
  const std::string svg = curves_svg(curve_panels({example("a"), example("b")}));
  EXPECT_EQ(count(svg, "<polyline"), 4u);
  EXPECT_EQ(count(svg, "<polygon"), 4u);
  EXPECT_EQ(count(svg, "<circle"), 8u);
  EXPECT_EQ(count(svg, ">a</text>"), 1u);
  EXPECT_EQ(count(svg, "<g "), count(svg, "</g>"));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(CurvesSvg, TheAxisIsLogarithmicAndSpansTheData) {
  // Rates 0.001 and 0.1: the first lies on the left edge, the last on the right one.
  const std::string svg = curves_svg(
      {{"flip", {{"a", -1, {{0.001, 50, 50, 50}, {0.01, 50, 50, 50}, {0.1, 50, 50, 50}}}}}});
  EXPECT_THAT(svg, HasSubstr("points=\"46.0,"));
  EXPECT_THAT(svg, HasSubstr(" 176.0,"));
  EXPECT_THAT(svg, HasSubstr(" 306.0,"));
  EXPECT_THAT(svg, HasSubstr(">0.01</text>"));
}

TEST(CurvesSvg, EscapesLabels) {
  const std::string svg = curves_svg({{"<t>", {{"a<b&\"c\"", 90, {{0.1, 50, 40, 60}}}}}});
  EXPECT_THAT(svg, HasSubstr("a&lt;b&amp;&quot;c&quot;"));
  EXPECT_THAT(svg, HasSubstr("&lt;t&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("a<b")));
}

TEST(CurvesSvg, OnePointAndNothingAreStillPictures) {
  EXPECT_THAT(curves_svg({{"flip", {{"a", 90, {{0.1, 50, 40, 60}}}}}}), Not(HasSubstr("nan")));
  EXPECT_THAT(curves_svg({}), HasSubstr("no trials to show"));
}

}  // namespace
}  // namespace flatenn
