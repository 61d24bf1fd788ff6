#include "flatenn/report/pareto_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::vector<Arm> some_arms(std::size_t count) {
  const TestStore test;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = i == 0 ? "a<b&\"c\"" : "arm" + std::to_string(i);
    test.add(name, 90 - i, {{0, 50 + i}, {1, 60 + i}},
             [](Subject& subject) { subject.sparsity = 50; });
  }
  return read_arms(test.store());
}

TEST(ParetoSvg, APanelACriterionAndAMarkAnArm) {
  std::vector<Arm> arms = some_arms(3);
  std::string svg = pareto_svg(compare_arms(arms));
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_EQ(count(svg, "<circle"), 3u * 2 + 3);  // and the legend's
  EXPECT_EQ(count(svg, "against sparsity</text>"), 1u);
  EXPECT_THAT(svg, Not(HasSubstr("against training time")));
  EXPECT_EQ(count(svg, "<g "), count(svg, "</g>"));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (Arm& arm : arms) arm.training_seconds = 2;
  svg = pareto_svg(compare_arms(arms));
  EXPECT_EQ(count(svg, "<polyline"), 3u);
  EXPECT_EQ(count(svg, "against training time</text>"), 1u);
}

TEST(ParetoSvg, SaysWhatWasMeasured) {
  const std::string svg = pareto_svg(compare_arms(some_arms(2)));
  for (const char* words : {"2 fault maps", "100 images", "1 seed an arm", "95 % t interval"}) {
    EXPECT_THAT(svg, HasSubstr(words));
  }
}

TEST(ParetoSvg, BeatenMarksAreHollow) {
  // Of equal sparsity only the last, with the highest accuracy under faults, is on the front.
  const std::string svg = pareto_svg(compare_arms(some_arms(2)));
  EXPECT_EQ(count(svg, "fill=\"none\" stroke=\"#0072b2\""), 1u);
  EXPECT_EQ(count(svg, "fill=\"none\" stroke=\"#d55e00\""), 0u);
}

TEST(ParetoSvg, ShapesTellArmsApartWhereColoursRepeat) {
  const std::string svg = pareto_svg(compare_arms(some_arms(29)));
  EXPECT_EQ(count(svg, "<circle"), (7u + 1) * 3);
  EXPECT_EQ(count(svg, "width=\"9\" height=\"9\""), 7u * 3);
  EXPECT_EQ(count(svg, "<polygon"), 14u * 3);
}

TEST(ParetoSvg, StoredBitsAreCounts) {
  const TestStore test;
  const std::string layout = "fc.weight 122940x4";
  test.add("plain", 90, {{0, 50}, {1, 60}}, unprotected(layout));
  test.add("plain", 90, {{0, 80}, {1, 92}}, behind("tmr:1", layout));
  const std::string svg = pareto_svg(compare_arms(read_arms(test.store())));
  EXPECT_EQ(count(svg, "against stored memory</text>"), 1u);
  EXPECT_EQ(count(svg, "stored memory, bits</text>"), 1u);
  EXPECT_THAT(svg, HasSubstr("stored memory 737640 bits, on the front"));
  EXPECT_EQ(count(svg, ">550000</text>"), 1u);
  EXPECT_EQ(count(svg, ">500000</text>"), 0u) << "texts below the axis must not meet";
}

TEST(ParetoSvg, EscapesNames) {
  const std::string svg = pareto_svg(compare_arms(some_arms(2)));
  EXPECT_THAT(svg, HasSubstr("a&lt;b&amp;&quot;c&quot;"));
  EXPECT_THAT(svg, Not(HasSubstr("a<b")));
}

TEST(ParetoSvg, EqualValuesStillHaveAxes) {
  const TestStore test;
  for (const char* name : {"a", "b"}) test.add(name, 90, {{0, 0}});
  for (const bool on_drop : {false, true}) {
    const std::string svg =
        pareto_svg(compare_arms(read_arms(test.store()), {{}, {}, "", on_drop}));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf,")));
  }
}

}  // namespace
}  // namespace flatenn
