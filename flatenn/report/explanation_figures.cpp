#include "flatenn/report/explanation_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "flatenn/report/words.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

PageFigure correlations_figure(const StudyAnalysis& study) {
  PageTable table({{"measure", "measure"},
                   {"kind", "kind"},
                   {"rate", "rate"},
                   {"correlation", "over all networks", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"networks", "networks", 0},
                   {"within", "within a seed", 2},
                   {"within_lo", "from", 2},
                   {"within_hi", "to", 2},
                   {"seeds", "seeds", 0},
                   {"p", "p within seeds", 4}});
  for (const Correlation& one : study.correlations) {
    table.add({one.measure, to_string(one.kind), one.rate, one.all.mean, one.all.lo, one.all.hi,
               one.all.n, one.within.mean, one.within.lo, one.within.hi, one.within.n, one.p});
  }
  return {
      "correlations",
      "bars",
      "Rank correlation of each measure with the accuracy that faults cost",
      "Spearman, with 95 % interval: 1 means that sharper networks lose more, 0 that the measure "
      "says nothing. p: by permutation within seeds, not adjusted for the number of measures.",
      "Rank correlations with their intervals for the chosen kind and rate, a bar a measure.",
      {{"y", "measure"},
       {"x", "correlation"},
       {"lo", "lo"},
       {"hi", "hi"},
       {"choose", {"kind", "rate"}},
       {"x_name", "rank correlation"},
       {"x_min", -1},
       {"x_max", 1}},
      std::move(table)};
}

/// Points lost by the network `label` in the cell; NaN where not measured.
double measured_loss(const PageInputs& inputs, const std::string& label, FaultKind kind,
                     double rate) {
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      const auto seed = std::ranges::find(arm.labels, label);
      const ArmCell* cell = find_cell(arm, kind, rate);
      if (seed == arm.labels.end() || cell == nullptr) continue;
      const auto i = static_cast<std::size_t>(seed - arm.labels.begin());
      return arm.seed_clean.at(i) - cell->seed_means.at(i);
    }
  }
  return std::nan("");
}

/// Every measure against the loss, at the highest rate of each kind that was correlated.
PageFigure scatter_figure(const PageInputs& inputs) {
  const StudyAnalysis& study = *inputs.study;
  PageTable table({{"network", "network"},
                   {"arm", "arm"},
                   {"measure", "measure"},
                   {"value", "value", 5},
                   {"kind", "kind"},
                   {"rate", "rate"},
                   {"loss", "accuracy lost, points", 2}});
  std::map<FaultKind, double> rates;
  for (const Correlation& one : study.correlations) {
    rates[one.kind] = std::max(rates[one.kind], one.rate);
  }
  for (const StudyAnalysis::Network& network : study.networks) {
    for (const auto& [kind, rate] : rates) {
      const double loss = measured_loss(inputs, network.analysis.label, kind, rate);
      for (const Measure& measure : measures(network.analysis, kind, rate)) {
        table.add({network.analysis.label, network.arm, measure.name, measure.value,
                   to_string(kind), rate, loss});
      }
    }
  }
  return {"explanation",
          "scatter",
          "Sharpness against the accuracy that faults cost",
          "A point a network, at the highest rate of each kind of fault.",
          "Accuracy lost against the chosen measure of sharpness, a panel a kind of fault.",
          {{"x", "value"},
           {"y", "loss"},
           {"series", "arm"},
           {"label", "network"},
           {"facet", "kind"},
           {"choose", {"measure"}},
           {"chosen", study.best},
           {"x_name", "measure"},
           {"y_name", "accuracy lost, points"}},
          std::move(table)};
}

PageFigure rankings_figure(const std::vector<Ranking>& rankings) {
  PageTable table({{"ranking", "ranking"},
                   {"part", "part"},
                   {"predicted", "predicted loss rise", 6},
                   {"measured", "accuracy lost, points", 2},
                   {"correlation", "rank correlation", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2}});
  for (const Ranking& one : rankings) {
    const std::string name =
        fmt::format("{}: {}, {} at {:g}", one.label, one.of, to_string(one.kind), one.rate);
    for (const Ranking::Part& part : one.parts) {
      table.add({name, part.name, part.predicted, part.measured, one.correlation.mean,
                 one.correlation.lo, one.correlation.hi});
    }
  }
  return {"rankings",
          "scatter",
          "Do predictions rank layers and bits rightly?",
          "A point a part that was corrupted alone: the loss rise that derivatives predict against "
          "the accuracy really lost.",
          "Accuracy lost against predicted loss rise, a point a layer or bit position.",
          {{"x", "predicted"},
           {"y", "measured"},
           {"series", "part"},
           {"choose", {"ranking"}},
           {"x_name", "predicted loss rise"},
           {"y_name", "accuracy lost, points"}},
          std::move(table)};
}

}  // namespace

PageSection explanation_section(const PageInputs& inputs) {
  PageSection section{"explanation-section", "Does flatness explain what faults cost?", {}, {}, {}};
  if (!inputs.study) {
    section.missing.push_back(
        "Not tested here. 'flatenn analyze --study RUN' correlates every measure with the accuracy "
        "lost over all networks of a study.");
    return section;
  }
  const StudyAnalysis& study = *inputs.study;
  if (!study.correlations.empty()) {
    section.figures.push_back(correlations_figure(study));
    section.figures.push_back(scatter_figure(inputs));
  }
  if (!study.rankings.empty()) section.figures.push_back(rankings_figure(study.rankings));
  return section;
}

}  // namespace flatenn
