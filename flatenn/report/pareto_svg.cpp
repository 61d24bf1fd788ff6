#include "flatenn/report/pareto_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "flatenn/report/comparison_text.h"
#include "flatenn/report/svg.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

constexpr double kPlotWidth = 260, kPlotHeight = 220;
constexpr double kLeft = 56, kRight = 26, kTop = 30, kBottom = 44;
constexpr double kPanelWidth = kLeft + kPlotWidth + kRight;
constexpr double kPanelHeight = kTop + kPlotHeight + kBottom;
constexpr double kLine = 18, kLetter = 6.8;  // of 12 pixel text, generously

/// Round ends and steps that hold all values.
struct Axis {
  double low = 0, high = 1, step = 1;
  double place(double value) const { return (value - low) / (high - low); }
};

Axis axis_of(const std::vector<double>& values) {
  const auto [low, high] = std::ranges::minmax(values);
  Axis axis;
  axis.step = svg_step(high > low ? high - low : std::max(std::abs(high), 1.0) / 5);
  axis.low = axis.step * std::floor(low / axis.step);
  axis.high = axis.step * std::ceil(high / axis.step);
  // A mark in a corner would lie on the frame.
  if (low - axis.low < axis.step / 10) axis.low -= axis.step;
  if (axis.high - high < axis.step / 10) axis.high += axis.step;
  return axis;
}

struct Panel {
  const Comparison& comparison;
  const Front& front;
  Axis x, y;

  Criterion across() const { return front.criteria.back(); }
  double at_x(double value) const { return kLeft + kPlotWidth * x.place(value); }
  double at_y(double value) const { return kTop + kPlotHeight * (1 - y.place(value)); }
};

std::string grid_line(double x1, double x2, double y1, double y2) {
  return fmt::format(
      "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x1, x2, y1,
      y2);
}

std::vector<double> ticks(const Axis& axis) {
  std::vector<double> list;
  const auto steps = std::lround((axis.high - axis.low) / axis.step);
  for (long i = 0; i <= steps; ++i) {
    const double value = axis.low + static_cast<double>(i) * axis.step;
    list.push_back(std::abs(value) < axis.step / 2 ? 0 : value);
  }
  return list;
}

/// Every which one of evenly spaced values can be written: their texts must not meet.
std::size_t label_stride(const std::vector<double>& values) {
  std::size_t longest = 0;
  for (const double value : values) longest = std::max(longest, fmt::format("{:g}", value).size());
  const double width = kLetter * (static_cast<double>(longest) + 1);
  const double space = kPlotWidth / static_cast<double>(values.size() - 1);
  return static_cast<std::size_t>(std::ceil(width / space));
}

std::string axes(const Panel& panel) {
  std::string svg;
  for (const double tick : ticks(panel.y)) {
    const double y = panel.at_y(tick);
    svg += grid_line(kLeft, kLeft + kPlotWidth, y, y);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n",
                       kLeft - 6, y + 4, tick);
  }
  const std::vector<double> along = ticks(panel.x);
  const std::size_t stride = label_stride(along);
  for (std::size_t i = 0; i < along.size(); ++i) {
    const double x = panel.at_x(along[i]);
    svg += grid_line(x, x, kTop, kTop + kPlotHeight);
    if (i % stride != 0) continue;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n", x,
                       kTop + kPlotHeight + 16, along[i]);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}, {}</text>\n",
                     kLeft + kPlotWidth / 2, kTop + kPlotHeight + 34,
                     criterion_name(panel.across()), criterion_unit(panel.across()));
  svg += fmt::format(
      "<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      kTop + kPlotHeight / 2,
      panel.comparison.on_drop ? "change under faults, points" : "accuracy under faults, %");
  return svg;
}

/// Circle, square, triangle, diamond: by how often the colours have repeated.
std::string mark(std::size_t arm, double x, double y, bool filled, const std::string& title) {
  const std::string look = fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"2\"",
                                       filled ? svg_colour(arm) : "none", svg_colour(arm));
  const std::string inside =
      title.empty() ? "" : fmt::format("<title>{}</title>", svg_escape(title));
  switch (svg_round(arm) % 4) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" {}>{}</circle>\n", x, y, look,
                         inside);
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"9\" height=\"9\" {}>{}</rect>\n",
                         x - 4.5, y - 4.5, look, inside);
    case 2:
      return fmt::format(
          "<polygon points=\"{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}\" {}>{}"
          "</polygon>\n",
          x, y - 6, x + 6, y + 5, x - 6, y + 5, look, inside);
    default:
      return fmt::format(
          "<polygon points=\"{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}\" {}>{}"
          "</polygon>\n",
          x, y - 6.5, x + 6.5, y, x, y + 6.5, x - 6.5, y, look, inside);
  }
}

/// The edge of what the front beats: level as long as nothing better comes, then straight up or
/// down.
std::string stair(const Panel& panel) {
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < panel.front.standings.size(); ++i) {
    if (panel.front.standings[i] != Standing::front) continue;
    const ComparedArm& arm = panel.comparison.arms[i];
    points.emplace_back(panel.at_x(criterion_value(arm, panel.across())),
                        panel.at_y(arm.faulty.mean));
  }
  std::ranges::sort(points);
  const bool lower = criterion_better(panel.across()) == Better::lower;
  std::string path;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0) {
      const double x = lower ? points[i].first : points[i - 1].first;
      const double y = lower ? points[i - 1].second : points[i].second;
      path += fmt::format("{:.1f},{:.1f} ", x, y);
    }
    path += fmt::format("{:.1f},{:.1f} ", points[i].first, points[i].second);
  }
  return fmt::format(
      "<polyline points=\"{}\" fill=\"none\" stroke=\"#888\" stroke-width=\"1.5\" "
      "stroke-dasharray=\"5 4\"/>\n",
      path);
}

std::string marks(const Panel& panel) {
  std::string svg;
  const int digits = panel.across() == Criterion::stored_bits ? 0 : 2;
  for (std::size_t i = 0; i < panel.comparison.arms.size(); ++i) {
    const Standing standing = panel.front.standings[i];
    if (standing == Standing::unknown) continue;
    const ComparedArm& arm = panel.comparison.arms[i];
    const double value = criterion_value(arm, panel.across());
    const double x = panel.at_x(value);
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" "
        "stroke-opacity=\"0.6\"/>\n",
        x, panel.at_y(arm.faulty.lo), panel.at_y(arm.faulty.hi), svg_colour(i));
    svg += mark(
        i, x, panel.at_y(arm.faulty.mean), standing == Standing::front,
        fmt::format("{}: {:.2f} [{:.2f}, {:.2f}] under faults, {} {:.{}f} {}, {}", arm.name,
                    arm.faulty.mean, arm.faulty.lo, arm.faulty.hi, criterion_name(panel.across()),
                    value, digits, criterion_unit(panel.across()), standing_words(standing)));
  }
  return svg;
}

std::string panel_svg(const Panel& panel, double left) {
  return fmt::format("<g transform=\"translate({:.1f} 0)\">\n", left) +
         fmt::format(
             "<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">"
             "against {}</text>\n",
             kLeft + kPlotWidth / 2, kTop - 10, criterion_name(panel.across())) +
         axes(panel) +
         fmt::format(
             "<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
             "height=\"{:.1f}\"/>\n",
             kLeft, kTop, kPlotWidth, kPlotHeight) +
         stair(panel) + marks(panel) + "</g>\n";
}

std::size_t letters(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Names below the panels, as many a line as the longest one leaves room for.
std::string legend(const Comparison& comparison, double width, double& top) {
  std::size_t longest = 1;
  for (const ComparedArm& arm : comparison.arms) longest = std::max(longest, letters(arm.name));
  const double column = 30 + kLetter * static_cast<double>(longest);
  const auto across = static_cast<std::size_t>(std::max(1.0, (width - kLeft) / column));
  std::string svg;
  for (std::size_t i = 0; i < comparison.arms.size(); ++i) {
    const double x = kLeft + column * static_cast<double>(i % across);
    const double y = top + kLine * static_cast<double>(i / across);
    svg += mark(i, x + 6, y, true, "");
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 18, y + 4,
                       svg_escape(comparison.arms[i].name));
  }
  top += kLine * static_cast<double>((comparison.arms.size() + across - 1) / across);
  return svg;
}

/// Words of a line of at most so many letters each.
std::vector<std::string> wrapped(const std::string& text, std::size_t most) {
  std::vector<std::string> lines = {""};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!lines.back().empty() && letters(lines.back()) + letters(word) + 1 > most) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    at = end + 1;
  }
  return lines;
}

std::string caption(const Comparison& comparison, double width, double& top) {
  std::size_t least = comparison.arms.front().seeds, most = least;
  for (const ComparedArm& arm : comparison.arms) {
    least = std::min(least, arm.seeds);
    most = std::max(most, arm.seeds);
  }
  const std::string seeds = least == most ? count_words(least, "seed", "seeds")
                                          : fmt::format("{} to {} seeds", least, most);
  const std::string text = fmt::format(
      "{}; {} an arm. Bars: 95 % t interval over maps. Filled: on the front of the means, whose "
      "edge is dashed.",
      comparison_terms(comparison), seeds);
  std::string svg;
  for (const std::string& line :
       wrapped(text, static_cast<std::size_t>((width - kLeft - kRight) / kLetter))) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", kLeft, top + 4,
                       svg_escape(line));
    top += kLine;
  }
  return svg;
}

}  // namespace

std::string pareto_svg(const Comparison& comparison) {
  std::vector<double> upward;
  for (const ComparedArm& arm : comparison.arms) {
    for (const double value : {arm.faulty.mean, arm.faulty.lo, arm.faulty.hi}) {
      upward.push_back(value);
    }
  }
  const Axis y = axis_of(upward);
  std::string panels;
  double width = 0;
  for (std::size_t f = 0; f + 1 < comparison.fronts.size(); ++f) {
    const Front& front = comparison.fronts[f];
    std::vector<double> along;
    for (std::size_t i = 0; i < front.standings.size(); ++i) {
      if (front.standings[i] == Standing::unknown) continue;
      along.push_back(criterion_value(comparison.arms[i], front.criteria.back()));
    }
    panels += panel_svg({comparison, front, axis_of(along), y}, width);
    width += kPanelWidth;
  }
  width = std::max(width, 420.0);
  double top = kPanelHeight + 12;
  const std::string names = legend(comparison, width, top);
  top += kLine / 2;
  const std::string words = caption(comparison, width, top);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
             "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-label=\"Accuracy under faults "
             "against other criteria, with Pareto fronts\">\n",
             width, top) +
         svg_style() + panels + names + words + "</svg>\n";
}

}  // namespace flatenn
