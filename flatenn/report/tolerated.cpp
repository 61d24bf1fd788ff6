#include "flatenn/report/tolerated.h"

#include <cmath>
#include <functional>
#include <set>

namespace flatenn {
namespace {

/// Rate at which `value` of the cells first falls below `level`.
double crossing(const std::vector<const CellSummary*>& cells, double level,
                double CellSummary::*value) {
  const CellSummary* before = nullptr;
  for (const CellSummary* cell : cells) {
    if (cell->*value < level) {
      if (before == nullptr) return 0;
      const double from = before->*value, to = cell->*value;
      const double share = (from - level) / (from - to);
      return before->rate * std::pow(cell->rate / before->rate, share);
    }
    before = cell;
  }
  return std::numeric_limits<double>::infinity();
}

std::vector<const CellSummary*> curve(const Arm& arm, FaultKind kind) {
  std::vector<const CellSummary*> cells;
  for (const ArmCell& cell : arm.cells) {
    if (cell.summary.kind == kind && cell.summary.rate > 0) cells.push_back(&cell.summary);
  }
  return cells;
}

}  // namespace

ToleratedRate tolerated_rate(const Arm& arm, FaultKind kind, double loss) {
  const auto cells = curve(arm, kind);
  const double level = arm.clean - loss;
  return {crossing(cells, level, &CellSummary::mean), crossing(cells, level, &CellSummary::lo),
          crossing(cells, level, &CellSummary::hi)};
}

double telling_loss(const std::vector<Arm>& arms) {
  double best = 1;
  int most = -1;
  for (const double loss : {1.0, 2.0, 5.0, 10.0, 20.0}) {
    int crossings = 0;
    for (const Arm& arm : arms) {
      std::set<FaultKind> kinds;
      for (const ArmCell& cell : arm.cells) kinds.insert(cell.summary.kind);
      for (const FaultKind kind : kinds) crossings += tolerated_rate(arm, kind, loss).measured();
    }
    if (crossings > most) {
      most = crossings;
      best = loss;
    }
  }
  return best;
}

}  // namespace flatenn
