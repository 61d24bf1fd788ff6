#include "flatenn/report/paper_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "flatenn/report/curves_svg.h"
#include "flatenn/report/differences.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

std::vector<CurvePanel> in_order(std::map<FaultKind, CurvePanel> panels) {
  std::vector<CurvePanel> list;
  for (auto& [kind, panel] : panels) {
    panel.title = to_string(kind);
    list.push_back(std::move(panel));
  }
  return list;
}

Curve& curve_of(CurvePanel& panel, const std::string& label) {
  const auto found = std::ranges::find(panel.curves, label, &Curve::label);
  if (found != panel.curves.end()) return *found;
  Curve& curve = panel.curves.emplace_back();
  curve.label = label;
  return curve;
}

std::vector<CurvePanel> accuracy_panels(const PageStore& store) {
  std::map<FaultKind, CurvePanel> panels;
  for (const Arm& arm : store.arms) {
    for (const ArmCell& one : arm.cells) {
      const CellSummary& cell = one.summary;
      if (cell.rate <= 0) continue;
      Curve& curve = curve_of(panels[cell.kind], arm.name);
      curve.clean = arm.clean;
      curve.points.push_back({cell.rate, cell.mean, cell.lo, cell.hi});
    }
  }
  return in_order(std::move(panels));
}

std::vector<CurvePanel> difference_panels(const PageStore& store) {
  std::map<FaultKind, CurvePanel> panels;
  for (const Difference& one : compare_to_first(store.arms)) {
    if (one.rate <= 0) continue;
    curve_of(panels[one.kind], difference_words(one.first, one.second))
        .points.push_back({one.rate, one.points.mean, one.points.lo, one.points.hi});
  }
  return in_order(std::move(panels));
}

std::vector<CurvePanel> claim_panels(const std::vector<StudyClaim>& claims) {
  std::map<FaultKind, CurvePanel> panels;
  for (const StudyClaim& one : claims) {
    if (one.on_drop || one.rate <= 0) continue;
    curve_of(panels[one.kind], claim_difference(one))
        .points.push_back({one.rate, one.points, one.lo, one.hi});
  }
  for (auto& [kind, panel] : panels) {
    for (Curve& curve : panel.curves) std::ranges::sort(curve.points, {}, &CurvePoint::rate);
  }
  return in_order(std::move(panels));
}

void add_store(const PageStore& store, const std::string& prefix,
               std::vector<PaperFigure>& figures) {
  const std::vector<CurvePanel> panels = accuracy_panels(store);
  figures.push_back({prefix + "accuracy.svg", curves_svg(panels)});
  if (panels.size() < 2) return;
  for (const CurvePanel& panel : panels) {
    figures.push_back({fmt::format("{}accuracy-{}.svg", prefix, panel.title), curves_svg({panel})});
  }
}

}  // namespace

std::vector<PaperFigure> paper_figures(const PageInputs& inputs) {
  const CurveAxis axis{"difference, points", true};
  std::vector<PaperFigure> figures;
  for (std::size_t i = 0; i < inputs.stores.size(); ++i) {
    const PageStore& store = inputs.stores[i];
    const std::string prefix = inputs.stores.size() > 1 ? fmt::format("{}-", i + 1) : "";
    add_store(store, prefix, figures);
    const std::vector<CurvePanel> differences = difference_panels(store);
    if (inputs.claims.empty() && !differences.empty()) {
      figures.push_back({prefix + "differences.svg", curves_svg(differences, axis)});
    }
  }
  if (!inputs.claims.empty()) {
    figures.push_back({"gains.svg", curves_svg(claim_panels(inputs.claims), axis)});
  }
  return figures;
}

}  // namespace flatenn
