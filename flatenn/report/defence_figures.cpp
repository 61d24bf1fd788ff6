#include "flatenn/report/defence_figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "flatenn/report/comparison_text.h"
#include "flatenn/report/payoff_text.h"
#include "flatenn/report/protection_costs.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

/// More arms than this have more pairs than anybody reads: then all are compared to the first.
constexpr std::size_t kMostInPairs = 12;

Json known(double value) { return value < 0 ? Json(nullptr) : finite_or_null(value); }

PageFigure fronts_figure(const Comparison& comparison) {
  PageTable table({{"arm", "arm"},
                   {"against", "against"},
                   {"value", "value", 2},
                   {"faulty", "accuracy under faults, %", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"seeds", "seeds", 0},
                   {"maps", "maps", 0},
                   {"standing", "stands"},
                   {"better", "better"}});
  std::vector<std::string_view> against;
  for (std::size_t f = 0; f + 1 < comparison.fronts.size(); ++f) {
    const Front& front = comparison.fronts[f];
    const Criterion criterion = front.criteria.back();
    against.push_back(criterion_name(criterion));
    const bool lower = criterion_better(criterion) == Better::lower;
    for (std::size_t i = 0; i < comparison.arms.size(); ++i) {
      const ComparedArm& arm = comparison.arms[i];
      table.add({arm.name,
                 fmt::format("{}, {}", criterion_name(criterion), criterion_unit(criterion)),
                 known(criterion_value(arm, criterion)), arm.faulty.mean, arm.faulty.lo,
                 arm.faulty.hi, arm.seeds, arm.faulty.maps, standing_words(front.standings[i]),
                 lower ? "lower" : "higher"});
    }
  }
  return {"pareto",
          "scatter",
          fmt::format("Accuracy under {} against what it costs", to_string(comparison.cell)),
          "A mark an arm, bars: 95 % t interval over maps. The dashed stair is the Pareto front of "
          "the means: no other arm is at least as good in both and better in one. Pale marks are "
          "beaten.",
          fmt::format("Accuracy under faults against {}, a panel each, a mark an arm, with the "
                      "Pareto front.",
                      fmt::join(against, ", ")),
          {{"x", "value"},
           {"x_own", true},
           {"y", "faulty"},
           {"lo", "lo"},
           {"hi", "hi"},
           {"series", "arm"},
           {"facet", "against"},
           {"standing", "standing"},
           {"better", "better"},
           {"y_name", "accuracy under faults, %"}},
          std::move(table)};
}

std::vector<PageColumn> arm_columns(const Comparison& comparison) {
  std::vector<PageColumn> columns = {{"arm", "arm"},
                                     {"float", "float, %", 2},
                                     {"clean", "clean, %", 2},
                                     {"clean_lo", "from", 2},
                                     {"clean_hi", "to", 2},
                                     {"faulty", "under faults, %", 2},
                                     {"lo", "from", 2},
                                     {"hi", "to", 2},
                                     {"sparsity", "sparsity, %", 2},
                                     {"training_seconds", "training, s", 1}};
  if (any_protected(comparison)) {
    columns.push_back({"stored_bits", "stored memory, bits", 0});
    columns.push_back({"hardened_bits", "hardened, bits", 0});
  }
  for (std::size_t f = 0; f + 1 < comparison.fronts.size(); ++f) {
    const Criterion criterion = comparison.fronts[f].criteria.back();
    columns.push_back({fmt::format("front_{}", criterion_key(criterion)),
                       fmt::format("against {}", criterion_name(criterion))});
  }
  columns.push_back({"front_all", "against all of these"});
  for (const PageColumn& count : std::vector<PageColumn>{{"seeds", "seeds", 0},
                                                         {"maps", "maps", 0},
                                                         {"images", "images", 0},
                                                         {"bits_changed", "bits changed", 1},
                                                         {"bits_faulty", "of faulty", 1}}) {
    columns.push_back(count);
  }
  return columns;
}

PageFigure arms_figure(const Comparison& comparison) {
  PageTable table(arm_columns(comparison));
  for (std::size_t i = 0; i < comparison.arms.size(); ++i) {
    const ComparedArm& arm = comparison.arms[i];
    const CellSummary& faulty = arm.faulty;
    std::vector<Json> row = {arm.name,
                             known(arm.float_accuracy),
                             arm.clean,
                             arm.clean_lo,
                             arm.clean_hi,
                             faulty.mean,
                             faulty.lo,
                             faulty.hi,
                             known(arm.sparsity),
                             known(arm.training_seconds)};
    if (any_protected(comparison)) {
      row.push_back(arm.stored ? Json(arm.stored->stored()) : Json(nullptr));
      row.push_back(arm.stored ? Json(arm.stored->hardened) : Json(nullptr));
    }
    for (const Front& front : comparison.fronts) row.push_back(standing_words(front.standings[i]));
    row.insert(row.end(), {arm.seeds, faulty.maps, comparison.subject.images, faulty.changed_bits,
                           faulty.faulty_bits});
    table.add(std::move(row));
  }
  return {"defences",
          "table",
          "Each arm, and which Pareto fronts it is on",
          "Means over training seeds. Clean: 95 % Wilson interval over images; under faults: 95 % "
          "t interval over maps; training: seconds of all epochs as logged.",
          "",
          Json::object(),
          std::move(table)};
}

PageFigure pairs_figure(const Comparison& comparison) {
  PageTable table({{"difference", "difference"},
                   {"points", "points", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"p", "p", 4},
                   {"p_adjusted", "p, Holm", 4},
                   {"seeds_agree", "seeds that agree", 0},
                   {"seeds", "of seeds", 0},
                   {"maps", "maps", 0},
                   {"images", "images", 0},
                   {"few_decide", "few maps decide"}});
  for (const ComparedPair& pair : comparison.pairs) {
    const Interval& points = pair.paired.difference;
    table.add({pair_name(pair), points.mean, points.lo, points.hi, pair.paired.sign_flip_p,
               pair.p_adjusted, pair.seeds_agree, pair.seeds, points.n, comparison.subject.images,
               pair.few_decide ? "yes" : "no"});
  }
  return {"defence-pairs",
          "table",
          comparison.baseline.empty()
              ? "Every pair of arms on the same fault maps"
              : fmt::format("Every arm minus {} on the same fault maps", comparison.baseline),
          fmt::format("Averaged over training seeds map by map; mean over maps with its 95 % t "
                      "interval. p: two-sided sign-flip test over maps; p, Holm: adjusted over the "
                      "{} pairs here. Seeds agree whose own difference has the sign of the mean.",
                      comparison.pairs.size()),
          "",
          Json::object(),
          std::move(table)};
}

PageFigure payoff_figure(const Comparison& comparison) {
  PageTable table({{"arm", "protected arm"},
                   {"kind", "kind"},
                   {"rate", "rate"},
                   {"points", "points", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"best", "best unprotected arm"},
                   {"keeps_more", "keeps more"},
                   {"stored_bits", "stored memory, bits", 0},
                   {"overhead", "more bits, %", 2},
                   {"maps", "maps", 0},
                   {"few_decide", "few maps decide"}});
  for (const Payoff& payoff : comparison.payoffs) {
    for (const PayoffCell& cell : payoff.cells) {
      table.add({payoff.arm, to_string(payoff.kind), cell.rate, cell.points.mean, cell.points.lo,
                 cell.points.hi, cell.best, to_string(cell.payer()), payoff.cost.stored(),
                 payoff.cost.overhead(), cell.points.n, cell.few_decide ? "yes" : "no"});
    }
  }
  return {"payoff",
          "lines",
          "Protecting bits against training for their loss",
          payoff_method() + " Above zero the protection keeps more.",
          "Difference of each protected arm to the best unprotected one against fault rate.",
          {{"x", "rate"},
           {"y", "points"},
           {"lo", "lo"},
           {"hi", "hi"},
           {"series", "arm"},
           {"facet", "kind"},
           {"x_log", true},
           {"x_name", "fault rate"},
           {"y_name", "difference, points"},
           {"zero", true}},
          std::move(table)};
}

ComparisonOptions page_options(const PageInputs& inputs) {
  ComparisonOptions options;
  options.chosen = chosen_cell(inputs.claims);
  const std::vector<Arm>& arms = inputs.stores[0].arms;
  const Comparable found = find_comparable(arms, {}, options.chosen);
  if (found.arms.size() > kMostInPairs) options.baseline = arms[found.arms.front()].name;
  return options;
}

}  // namespace

PageSection defences_section(const PageInputs& inputs) {
  PageSection section{"defences-section", "Defences compared", {}, {}, {}};
  if (inputs.stores.size() != 1) return section;
  const std::vector<Arm>& arms = inputs.stores[0].arms;
  if (!find_comparable(arms, {}, chosen_cell(inputs.claims)).problem.empty()) return section;
  const Comparison comparison = compare_arms(arms, page_options(inputs));
  section.notes.push_back(fmt::format("Compared under {}.", comparison_terms(comparison)));
  for (const std::string& note : comparison.notes) section.notes.push_back(note + ".");
  section.notes.push_back(
      "'flatenn compare RUN' does the same in any cell, against any baseline, on accuracies or on "
      "drops from each arm's own clean accuracy.");
  section.figures.push_back(fronts_figure(comparison));
  section.figures.push_back(arms_figure(comparison));
  section.figures.push_back(pairs_figure(comparison));
  if (comparison.payoffs.empty()) return section;
  for (const Payoff& one : comparison.payoffs) section.notes.push_back(payoff_words(one) + ".");
  section.figures.push_back(payoff_figure(comparison));
  return section;
}

}  // namespace flatenn
