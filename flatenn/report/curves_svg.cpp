#include "flatenn/report/curves_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "flatenn/report/svg.h"

namespace flatenn {
namespace {

// Tell names apart where the colours repeat.
constexpr std::array kDashes = {"none", "6 3", "2 3"};

constexpr double kPlotWidth = 260, kPlotHeight = 220;
constexpr double kLeft = 46, kRight = 14, kTop = 30, kBottom = 44;
constexpr double kPanelWidth = kLeft + kPlotWidth + kRight;
constexpr double kPanelHeight = kTop + kPlotHeight + kBottom;
constexpr std::size_t kPanelsAcross = 3;
constexpr double kLegendLine = 18, kLegendColumn = 200;

/// What all panels share: the range of the axes and the look of each label.
struct Frame {
  double low_rate = 1e300, high_rate = 0;
  CurveAxis axis;
  double low = 0, high = 100, step = 20;  ///< of the vertical axis
  std::vector<std::string> labels;

  double x(double rate) const {
    const double span = std::log(high_rate / low_rate);
    return kLeft + kPlotWidth * (span > 0 ? std::log(rate / low_rate) / span : 0.5);
  }
  double y(double accuracy) const {
    return kTop + kPlotHeight * (high - std::clamp(accuracy, low, high)) / (high - low);
  }
  std::string stroke(const std::string& label) const {
    const auto index = static_cast<std::size_t>(std::ranges::find(labels, label) - labels.begin());
    return fmt::format("stroke=\"{}\" stroke-dasharray=\"{}\"", svg_colour(index),
                       kDashes[svg_round(index) % kDashes.size()]);
  }
  const char* colour(const std::string& label) const {
    const auto index = static_cast<std::size_t>(std::ranges::find(labels, label) - labels.begin());
    return svg_colour(index);
  }
};

/// Ends and steps of the vertical axis for values in [low, high].
void set_range(double low, double high, Frame& frame) {
  if (!frame.axis.differences) {
    frame.low = std::clamp(20 * std::floor(low / 20), 0.0, 80.0);
    return;
  }
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  frame.step = svg_step(std::max(high - low, 1e-9));
  frame.low = frame.step * std::floor(low / frame.step);
  frame.high = frame.step * std::max(std::ceil(high / frame.step), frame.low / frame.step + 1);
}

Frame make_frame(const std::vector<CurvePanel>& panels, const CurveAxis& axis) {
  Frame frame;
  frame.axis = axis;
  double low = axis.differences ? 0 : 100, high = 0;
  for (const CurvePanel& panel : panels) {
    for (const Curve& curve : panel.curves) {
      if (std::ranges::find(frame.labels, curve.label) == frame.labels.end()) {
        frame.labels.push_back(curve.label);
      }
      for (const CurvePoint& point : curve.points) {
        frame.low_rate = std::min(frame.low_rate, point.rate);
        frame.high_rate = std::max(frame.high_rate, point.rate);
        if (std::isfinite(point.lo)) low = std::min(low, point.lo);
        if (std::isfinite(point.hi)) high = std::max(high, point.hi);
      }
    }
  }
  set_range(low, high, frame);
  return frame;
}

/// 1, 2 and 5 times powers of ten within the range: 0.001, 0.002, 0.005, ...
std::vector<double> rate_ticks(const Frame& frame) {
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(std::log10(frame.low_rate)));
  const int last = static_cast<int>(std::ceil(std::log10(frame.high_rate)));
  const bool wide = last - first > 3;
  for (int power = first; power <= last; ++power) {
    for (const int digit : {1, 2, 5}) {
      const double tick = digit * std::pow(10.0, power);
      const bool inside = tick >= frame.low_rate * 0.999 && tick <= frame.high_rate * 1.001;
      if (inside && (digit == 1 || !wide)) ticks.push_back(tick);
    }
  }
  return ticks;
}

std::string axes(const Frame& frame) {
  std::string svg;
  const auto steps = static_cast<int>(std::lround((frame.high - frame.low) / frame.step));
  for (int i = 0; i <= steps; ++i) {
    const double value = frame.low + i * frame.step;
    const double y = frame.y(value);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n",
        kLeft, kLeft + kPlotWidth, y, y, kLeft - 6, y + 4,
        std::abs(value) < frame.step / 2 ? 0 : value);
  }
  if (frame.axis.differences) {
    svg += fmt::format(
        "<line class=\"frame\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
        kLeft + kPlotWidth, frame.y(0), frame.y(0));
  }
  for (const double tick : rate_ticks(frame)) {
    const double x = frame.x(tick);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n",
        x, x, kTop, kTop + kPlotHeight, x, kTop + kPlotHeight + 16, tick);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">fault rate</text>\n",
                     kLeft + kPlotWidth / 2, kTop + kPlotHeight + 34);
  svg += fmt::format(
      "<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      kTop + kPlotHeight / 2, svg_escape(frame.axis.name));
  return svg;
}

std::string curve_svg(const Frame& frame, const Curve& curve) {
  if (curve.points.empty()) return "";
  std::string band, back, line;
  for (const CurvePoint& point : curve.points) {
    const double x = frame.x(point.rate);
    if (std::isfinite(point.lo) && std::isfinite(point.hi)) {
      band += fmt::format("{:.1f},{:.1f} ", x, frame.y(point.hi));
      back = fmt::format("{:.1f},{:.1f} ", x, frame.y(point.lo)) + back;
    }
    line += fmt::format("{:.1f},{:.1f} ", x, frame.y(point.mean));
  }
  std::string svg = fmt::format("<polygon points=\"{}{}\" fill=\"{}\" fill-opacity=\"0.18\"/>\n",
                                band, back, frame.colour(curve.label));
  svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke-width=\"1.8\" {}/>\n", line,
                     frame.stroke(curve.label));
  for (const CurvePoint& point : curve.points) {
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.4\" fill=\"{}\"><title>{} at {:g}: {:.2f} "
        "[{:.2f}, {:.2f}]</title></circle>\n",
        frame.x(point.rate), frame.y(point.mean), frame.colour(curve.label),
        svg_escape(curve.label), point.rate, point.mean, point.lo, point.hi);
  }
  if (curve.clean >= 0) {
    const double y = frame.y(curve.clean);
    svg += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
        "stroke-width=\"3\"><title>{} without faults: {:.2f} %</title></line>\n",
        kLeft, kLeft + 8, y, y, frame.colour(curve.label), svg_escape(curve.label), curve.clean);
  }
  return svg;
}

std::string panel_svg(const Frame& frame, const CurvePanel& panel, double left, double top) {
  std::string svg = fmt::format("<g transform=\"translate({:.1f} {:.1f})\">\n", left, top);
  svg += fmt::format(
      "<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
      kLeft + kPlotWidth / 2, kTop - 10, svg_escape(panel.title));
  svg += axes(frame);
  svg += fmt::format(
      "<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
      kLeft, kTop, kPlotWidth, kPlotHeight);
  for (const Curve& curve : panel.curves) svg += curve_svg(frame, curve);
  return svg + "</g>\n";
}

std::string legend(const Frame& frame, std::size_t across, double top) {
  std::string svg;
  for (std::size_t i = 0; i < frame.labels.size(); ++i) {
    const double x = kLeft + kLegendColumn * static_cast<double>(i % across);
    const double y = top + kLegendLine * static_cast<double>(i / across);
    svg += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke-width=\"1.8\" {}/>"
        "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        x, x + 24, y, y, frame.stroke(frame.labels[i]), x + 30, y + 4, svg_escape(frame.labels[i]));
  }
  return svg;
}

}  // namespace

std::vector<CurvePanel> curve_panels(const std::vector<SubjectSummary>& summaries) {
  std::map<FaultKind, CurvePanel> panels;
  for (const SubjectSummary& summary : summaries) {
    std::map<FaultKind, Curve> curves;
    for (const CellSummary& cell : summary.cells) {
      if (cell.rate <= 0) continue;
      Curve& curve = curves[cell.kind];
      curve.label = summary.subject.label;
      curve.clean = summary.clean;
      curve.points.push_back({cell.rate, cell.mean, cell.lo, cell.hi});
    }
    for (auto& [kind, curve] : curves) {
      panels[kind].title = to_string(kind);
      panels[kind].curves.push_back(std::move(curve));
    }
  }
  std::vector<CurvePanel> list;
  for (auto& [kind, panel] : panels) list.push_back(std::move(panel));
  return list;
}

std::string curves_svg(const std::vector<CurvePanel>& panels, const CurveAxis& axis) {
  const Frame frame = make_frame(panels, axis);
  const bool empty = frame.high_rate == 0;
  const std::size_t across = std::clamp<std::size_t>(panels.size(), 1, kPanelsAcross);
  const std::size_t down = (panels.size() + across - 1) / across;
  const double width = std::max(kPanelWidth * static_cast<double>(across), 420.0);
  const auto legend_across =
      static_cast<std::size_t>(std::max(1.0, (width - kLeft) / kLegendColumn));
  const std::size_t legend_lines = (frame.labels.size() + legend_across - 1) / legend_across;
  const double legend_top = kPanelHeight * static_cast<double>(down) + 12;
  const double height =
      empty ? 60 : legend_top + kLegendLine * static_cast<double>(legend_lines) + 4;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\" aria-label=\"{2} against fault rate\">\n",
      width, height, axis.differences ? "Differences of accuracy" : "Accuracy");
  svg += svg_style();
  if (empty) return svg + "<text x=\"20\" y=\"34\">no trials to show</text>\n</svg>\n";
  for (std::size_t i = 0; i < panels.size(); ++i) {
    svg += panel_svg(frame, panels[i], kPanelWidth * static_cast<double>(i % across),
                     kPanelHeight * static_cast<double>(i / across));
  }
  return svg + legend(frame, legend_across, legend_top) + "</svg>\n";
}

}  // namespace flatenn
