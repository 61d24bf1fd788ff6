// Curves: accuracy against fault rate as one SVG picture, a panel a kind, a line a network.
//
// Plain SVG 1.1 without scripts or fonts of its own: it shows in a README, a paper and a browser.
// Text and axes follow the reader's light or dark colour scheme.
#pragma once

#include <string>
#include <vector>

#include "flatenn/report/summary.h"

namespace flatenn {

/// One point of a line. Accuracies in percent.
struct CurvePoint {
  double rate = 0;  ///< > 0: the axis is logarithmic
  double mean = 0, lo = 0, hi = 0;
};
struct Curve {
  std::string label;
  double clean = -1;               ///< drawn as a tick at the left edge; negative: none
  std::vector<CurvePoint> points;  ///< by rate
};
/// One picture part with its own heading. All panels share the axes' ranges.
struct CurvePanel {
  std::string title;
  std::vector<Curve> curves;
};

/// A panel a kind, a curve a subject; rates of 0 are left out.
std::vector<CurvePanel> curve_panels(const std::vector<SubjectSummary>& summaries);

/// What the vertical axis shows.
struct CurveAxis {
  std::string name = "accuracy, %";
  bool differences = false;  ///< a range that fits, with a line at 0; else accuracies up to 100
};

/// The picture: line of means, band of intervals, one legend. A curve has the same colour and dash
/// in every panel, by its label. No panels or no points give a picture that says so.
std::string curves_svg(const std::vector<CurvePanel>& panels, const CurveAxis& axis = {});

}  // namespace flatenn
