#include "flatenn/report/bit_figures.h"

#include <fmt/format.h>

#include <algorithm>

#include "flatenn/report/page_analyses.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

Json heatmap(Json values) {
  return {{"x", "bit"},
          {"y", "tensor"},
          {"values", std::move(values)},
          {"choose", {"network", "kind"}},
          {"x_name", "bit (0: least significant)"}};
}

PageTable measured_table(const PageInputs& inputs) {
  PageTable table({{"network", "network"},
                   {"kind", "kind"},
                   {"tensor", "tensor"},
                   {"bit", "bit", 0},
                   {"cells", "cells", 0},
                   {"tried", "tried", 0},
                   {"masked", "masked, %", 2},
                   {"critical", "critical, %", 3},
                   {"lo", "from", 3},
                   {"hi", "to", 3},
                   {"mean_loss", "mean loss, points", 3},
                   {"worst_loss", "worst loss, points", 2}});
  for (const PageStore& store : inputs.stores) {
    const std::string prefix = inputs.stores.size() > 1 ? store.name + ": " : "";
    for (const Arm& arm : store.arms) {
      for (const SingleBitSummary& summary : arm.single_bits) {
        for (const BitOutcomes& one : summary.strata) {
          const bool tried = one.trials > 0;
          const auto measured = [&](double x) { return tried ? Json(x) : Json(nullptr); };
          const double masked =
              tried ? 100 * static_cast<double>(one.masked) / static_cast<double>(one.trials) : 0;
          table.add({prefix + arm.name, to_string(summary.kind), one.tensor, one.bit, one.cells,
                     one.trials, measured(masked), measured(one.critical_share.mean),
                     measured(one.critical_share.lo), measured(one.critical_share.hi),
                     measured(one.mean_loss), measured(one.worst_loss)});
        }
      }
    }
  }
  return table;
}

/// What the summaries of the page were counted with; one threshold for all.
double critical_points(const PageInputs& inputs) {
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      for (const SingleBitSummary& summary : arm.single_bits) return summary.critical_points;
    }
  }
  return kCriticalPoints;
}

PageTable predicted_table(const std::vector<const Analysis*>& analyses) {
  PageTable table({{"network", "network"},
                   {"kind", "kind"},
                   {"tensor", "tensor"},
                   {"bit", "bit", 0},
                   {"cells", "cells", 0},
                   {"changed", "cells changed, %", 1},
                   {"first_magnitude", "|first order|", 7},
                   {"first", "first order", 7},
                   {"second", "second order", 7}});
  for (const Analysis* analysis : analyses) {
    for (const BitSensitivity& bit : analysis->bits) {
      for (const BitSensitivity::OfKind& one : bit.kinds) {
        table.add({analysis->label, to_string(one.kind), bit.tensor, bit.bit, bit.cells,
                   100 * one.changed, one.first_magnitude, one.first, one.second});
      }
    }
  }
  return table;
}

}  // namespace

PageSection bits_section(const PageInputs& inputs) {
  PageSection section{"bits-section", "Which layers and bits matter", {}, {}, {}};
  PageTable measured = measured_table(inputs);
  if (measured.empty()) {
    section.missing.push_back(
        "No single-bit campaign here. 'flatenn campaign MODEL --source single --sample 20000 "
        "--store STORE' tries cells one by one.");
  } else {
    section.figures.push_back(
        {"bits-measured", "heatmap", "One faulty cell at a time, by layer and bit",
         fmt::format("Critical: accuracy falls by more than {} points; masked: no answer changes. "
                     "Intervals: 95 % Clopper-Pearson, exact once every cell was tried.",
                     critical_points(inputs)),
         "Share of critical cells and loss of accuracy by weight tensor and bit position.",
         heatmap({"critical", "mean_loss", "worst_loss"}), std::move(measured)});
  }
  PageTable predicted = predicted_table(analyses_of(inputs));
  if (predicted.empty()) {
    section.missing.push_back(
        "No predicted sensitivity. 'flatenn analyze MODEL' computes it for every stored bit.");
  } else {
    section.figures.push_back(
        {"bits-predicted", "heatmap", "Loss rise that derivatives predict, by layer and bit",
         "Mean over the cells of one bit position: gradient times change of the weight, and half "
         "the curvature times its square. Top bits leave the range where that holds: believe their "
         "rank rather than their size.",
         "Predicted rise of the loss for one faulty cell by weight tensor and bit position.",
         heatmap({"first_magnitude", "first", "second"}), std::move(predicted)});
  }
  return section;
}

}  // namespace flatenn
