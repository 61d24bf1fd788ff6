#include "flatenn/report/store_figures.h"

#include <fmt/format.h>

#include <algorithm>

#include "flatenn/report/differences.h"
#include "flatenn/report/tolerated.h"
#include "flatenn/report/verdict.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCampaignHint =
    "'flatenn campaign MODEL... --store STORE' measures accuracy under faults.";

/// Of two stores each row says which one it is from.
bool several(const PageInputs& inputs) { return inputs.stores.size() > 1; }

std::vector<PageColumn> with_store(const PageInputs& inputs, std::vector<PageColumn> columns) {
  if (several(inputs)) columns.insert(columns.begin(), {"store", "store"});
  return columns;
}

std::vector<Json> with_store(const PageInputs& inputs, const PageStore& store,
                             std::vector<Json> row) {
  if (several(inputs)) row.insert(row.begin(), store.name);
  return row;
}

Json known(double value) { return value < 0 ? Json(nullptr) : finite_or_null(value); }

/// Options of a figure of lines over the rate, small multiples by kind.
Json rate_lines(const PageInputs& inputs, const std::string& y, const std::string& series) {
  Json options = {{"x", "rate"},      {"y", y},          {"lo", "lo"},    {"hi", "hi"},
                  {"series", series}, {"facet", "kind"}, {"x_log", true}, {"x_name", "fault rate"}};
  if (several(inputs)) options["side"] = "store";
  return options;
}

PageTable accuracy_table(const PageInputs& inputs) {
  PageTable table(with_store(inputs, {{"network", "network"},
                                      {"kind", "kind"},
                                      {"rate", "rate"},
                                      {"mean", "accuracy, %", 2},
                                      {"lo", "from", 2},
                                      {"hi", "to", 2},
                                      {"anytime_lo", "anytime from", 2},
                                      {"anytime_hi", "to", 2},
                                      {"sd", "sd over maps", 2},
                                      {"clean", "without faults, %", 2},
                                      {"drop", "drop, points", 2},
                                      {"maps", "maps", 0},
                                      {"seeds", "seeds", 0},
                                      {"images", "images", 0},
                                      {"bits_changed", "bits changed", 1},
                                      {"bits_faulty", "of faulty", 1},
                                      {"few_decide", "few maps decide"}}));
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      for (const ArmCell& one : arm.cells) {
        const CellSummary& cell = one.summary;
        table.add(with_store(
            inputs, store,
            {arm.name, to_string(cell.kind), cell.rate, cell.mean, cell.lo, cell.hi,
             cell.anytime_lo, cell.anytime_hi, cell.maps > 1 ? Json(cell.sd) : Json(nullptr),
             arm.clean, arm.clean - cell.mean, cell.maps, arm.labels.size(), arm.subject.images,
             cell.changed_bits, cell.faulty_bits, cell.few_decide ? "yes" : "no"}));
      }
    }
  }
  return table;
}

PageTable networks_table(const PageInputs& inputs) {
  PageTable table(with_store(inputs, {{"network", "network"},
                                      {"float", "float, %", 2},
                                      {"clean", "quantized, %", 2},
                                      {"lo", "from", 2},
                                      {"hi", "to", 2},
                                      {"sparsity", "zero activations, %", 1},
                                      {"seeds", "seeds", 0},
                                      {"images", "images", 0},
                                      {"memory_bits", "memory, bits", 0},
                                      {"exposed_bits", "exposed, bits", 0}}));
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      table.add(
          with_store(inputs, store,
                     {arm.name, known(arm.float_accuracy), arm.clean, arm.clean_lo, arm.clean_hi,
                      known(arm.sparsity), arm.labels.size(), arm.subject.images,
                      arm.subject.memory_bits, arm.subject.exposed_bits}));
    }
  }
  return table;
}

/// "sparse-saq keeps most: 68.1 % [67.9, 68.3] ...": the ends of the picture, in words.
std::string accuracy_summary(const PageInputs& inputs) {
  std::string text = "Accuracy against fault rate, a panel a kind of fault, a line a network.";
  for (const Verdict& verdict : verdicts(inputs)) {
    if (verdict.mark.empty()) text += " " + verdict.text;
  }
  return text;
}

bool any_cells(const PageInputs& inputs) {
  return std::ranges::any_of(inputs.stores, [](const PageStore& store) {
    return std::ranges::any_of(store.arms, [](const Arm& arm) { return !arm.cells.empty(); });
  });
}

}  // namespace

PageSection accuracy_section(const PageInputs& inputs) {
  PageSection section{"accuracy-section", "Accuracy under faults", {}, {}, {}};
  PageTable accuracy = accuracy_table(inputs);
  if (accuracy.empty()) {
    section.missing.push_back(std::string("No trials under faults yet. ") + kCampaignHint);
  } else {
    Json options = rate_lines(inputs, "mean", "network");
    options["y_name"] = "accuracy, %";
    options["clean"] = "clean";
    options["y_max"] = 100;
    section.figures.push_back(
        {"accuracy", "lines", "Accuracy against fault rate",
         "Mean over fault maps (and training seeds, where there are several); band: 95 % t "
         "interval over maps; tick at the left edge: accuracy without faults.",
         accuracy_summary(inputs), std::move(options), std::move(accuracy)});
  }
  PageTable networks = networks_table(inputs);
  if (!networks.empty()) {
    section.figures.push_back({"networks", "table", "The networks without faults",
                               "95 % Wilson interval over images.", "", Json::object(),
                               std::move(networks)});
  }
  return section;
}

PageSection differences_section(const PageInputs& inputs) {
  PageSection section{"differences-section", "Differences on the same fault maps", {}, {}, {}};
  PageTable table(with_store(inputs, {{"comparison", "comparison"},
                                      {"kind", "kind"},
                                      {"rate", "rate"},
                                      {"points", "points", 2},
                                      {"lo", "from", 2},
                                      {"hi", "to", 2},
                                      {"maps", "maps", 0}}));
  for (const PageStore& store : inputs.stores) {
    for (const Difference& one : compare_to_first(store.arms)) {
      table.add(with_store(inputs, store,
                           {difference_words(one.first, one.second), to_string(one.kind), one.rate,
                            one.points.mean, one.points.lo, one.points.hi, one.points.n}));
    }
  }
  if (table.empty()) {
    if (!any_cells(inputs)) return section;
    section.missing.push_back(
        "No two networks met the same faults on the same images. 'flatenn campaign A B --store "
        "STORE' measures several networks on the same fault maps.");
    return section;
  }
  Json options = rate_lines(inputs, "points", "comparison");
  options["y_name"] = "difference, points";
  options["zero"] = true;
  section.figures.push_back(
      {"differences", "lines", "Each network minus the first",
       "Paired: both networks under the same fault maps; mean over maps, band: 95 % t interval. "
       "Above zero the first-named network keeps more.",
       "Differences of accuracy to the first network against fault rate, a panel a kind of fault.",
       std::move(options), std::move(table)});
  return section;
}

PageSection comparison_section(const PageInputs& inputs) {
  PageSection section;
  if (inputs.stores.size() != 2) return section;
  const PageStore &a = inputs.stores[0], &b = inputs.stores[1];
  section = {"comparison-section", fmt::format("From {} to {}", a.name, b.name), {}, {}, {}};
  PageTable table({{"network", "network"},
                   {"kind", "kind"},
                   {"rate", "rate"},
                   {"points", "change, points", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"maps", "common maps", 0}});
  for (const Arm& arm : b.arms) {
    const auto before = std::ranges::find(a.arms, arm.name, &Arm::name);
    if (before == a.arms.end()) continue;
    for (const Difference& one : compare(arm, *before)) {
      table.add({arm.name, to_string(one.kind), one.rate, one.points.mean, one.points.lo,
                 one.points.hi, one.points.n});
    }
  }
  if (table.empty()) {
    section.missing.push_back(
        "No network of the same name met the same faults on the same images in both stores: the "
        "curves stand side by side, but differences of single fault maps cannot be taken.");
    return section;
  }
  section.figures.push_back(
      {"comparison",
       "lines",
       fmt::format("{} minus {}", b.name, a.name),
       "Networks of the same name, paired on the same fault maps; band: 95 % t interval over maps.",
       "Change of accuracy between the two stores against fault rate, a panel a kind of fault.",
       {{"x", "rate"},
        {"y", "points"},
        {"lo", "lo"},
        {"hi", "hi"},
        {"series", "network"},
        {"facet", "kind"},
        {"x_log", true},
        {"x_name", "fault rate"},
        {"y_name", "change, points"},
        {"zero", true}},
       std::move(table)});
  return section;
}

namespace {

std::string beyond(const ToleratedRate& tolerated) {
  if (tolerated.measured()) return "";
  return tolerated.rate == 0 ? "below the lowest rate" : "above the highest rate";
}

PageTable tolerance_table(const PageInputs& inputs, double loss) {
  PageTable table(with_store(inputs, {{"network", "network"},
                                      {"kind", "kind"},
                                      {"sparsity", "zero activations, %", 1},
                                      {"rate", "tolerated rate", 5},
                                      {"lo", "from", 5},
                                      {"hi", "to", 5},
                                      {"beyond", "where not measured"},
                                      {"loss", "for a loss of, points", 0}}));
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      std::vector<FaultKind> kinds;
      for (const ArmCell& cell : arm.cells) {
        const bool seen = std::ranges::find(kinds, cell.summary.kind) != kinds.end();
        if (!seen && cell.summary.rate > 0) kinds.push_back(cell.summary.kind);
      }
      for (const FaultKind kind : kinds) {
        const ToleratedRate rate = tolerated_rate(arm, kind, loss);
        const auto end = [](double x) { return x > 0 ? finite_or_null(x) : Json(nullptr); };
        table.add(with_store(inputs, store,
                             {arm.name, to_string(kind), known(arm.sparsity), end(rate.rate),
                              end(rate.lo), end(rate.hi), beyond(rate), loss}));
      }
    }
  }
  return table;
}

}  // namespace

PageSection tolerance_section(const PageInputs& inputs) {
  PageSection section{"tolerance-section", "Sparsity and tolerance", {}, {}, {}};
  std::vector<Arm> all;
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      if (!arm.cells.empty()) all.push_back(arm);
    }
  }
  if (all.empty()) return section;
  const double loss = telling_loss(all);
  const std::string lost = loss == 1 ? "1 point" : fmt::format("{:g} points", loss);
  Json options = {{"x", "sparsity"},
                  {"y", "rate"},
                  {"lo", "lo"},
                  {"hi", "hi"},
                  {"series", "network"},
                  {"facet", "kind"},
                  {"y_log", true},
                  {"x_name", "zero activations, %"},
                  {"y_name", fmt::format("rate at {} lost", lost)}};
  if (several(inputs)) options["side"] = "store";
  section.figures.push_back(
      {"tolerance", "scatter",
       fmt::format("Fault rate that costs {} of accuracy, against sparsity", lost),
       "Read off the curves above, between two measured rates on the logarithm of the rate; bars: "
       "where the bounds of the 95 % interval cross. Networks that cross outside the measured "
       "rates are in the table alone.",
       "Tolerated fault rate against the share of zero activations, a panel a kind of fault, a "
       "point a network.",
       std::move(options), tolerance_table(inputs, loss)});
  section.notes.push_back(
      "'flatenn tolerance MODEL' measures the highest tolerable rate itself, with an interval.");
  return section;
}

PageSection provenance_section(const PageInputs& inputs) {
  PageSection section{"provenance", "Where the figures come from", {}, {}, {}};
  PageTable table(with_store(inputs, {{"network", "network"},
                                      {"labels", "labels in the store"},
                                      {"dataset", "dataset"},
                                      {"split", "split"},
                                      {"images", "images", 0},
                                      {"trials", "trials", 0},
                                      {"fault_seed", "seed of the maps", 0},
                                      {"exposure", "exposed"},
                                      {"source", "faulty cells"},
                                      {"model", "model (first seed)"},
                                      {"data", "data"}}));
  for (const PageStore& store : inputs.stores) {
    for (const Arm& arm : store.arms) {
      const Subject& s = arm.subject;
      table.add(
          with_store(inputs, store,
                     {arm.name, fmt::format("{}", fmt::join(arm.labels, ", ")), s.dataset, s.split,
                      s.images, arm.trials, s.seed, s.exposure.empty() ? "all weights" : s.exposure,
                      s.source.empty() ? "independent" : s.source, s.model_hash, s.data_hash}));
    }
  }
  if (!table.empty()) {
    section.figures.push_back({"provenance-table", "table", "Models, data, seeds, counts", "", "",
                               Json::object(), std::move(table)});
  }
  return section;
}

}  // namespace flatenn
