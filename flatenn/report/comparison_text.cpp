#include "flatenn/report/comparison_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "flatenn/report/page_figure.h"
#include "flatenn/report/payoff_text.h"
#include "flatenn/report/protection_costs.h"
#include "flatenn/report/table.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

std::string known(double value, int digits) {
  return value < 0 ? "-" : fmt::format("{:.{}f}", value, digits);
}

std::string interval(double lo, double hi, bool few_decide = false) {
  if (!std::isfinite(lo) || !std::isfinite(hi)) return "-";
  return fmt::format("[{:.2f}, {:.2f}]{}", lo, hi, few_decide ? "*" : "");
}

/// Bits of one network; `none` where they are not known.
std::string stored_text(const ComparedArm& arm, const char* none) {
  return arm.stored ? fmt::format("{}", arm.stored->stored()) : none;
}
std::string hardened_text(const ComparedArm& arm, const char* none) {
  return arm.stored ? fmt::format("{}", arm.stored->hardened) : none;
}

std::string exposure_text(const Subject& subject) {
  return fmt::format("{} exposed, {}", subject.exposure.empty() ? "all weights" : subject.exposure,
                     subject.source.empty() ? "independent cells" : subject.source);
}

Table arms_table(const Comparison& comparison) {
  Table table{{"arm", "seeds", "float %", "clean %", "95 % interval",
               comparison.on_drop ? "change, points" : "faulty %", "95 % interval", "bits changed",
               "of faulty", "sparsity %", "training s"},
              {}};
  const bool costs = any_protected(comparison);
  if (costs) table.columns.insert(table.columns.end(), {"stored bits", "hardened"});
  for (const ComparedArm& arm : comparison.arms) {
    const CellSummary& faulty = arm.faulty;
    table.rows.push_back(
        {arm.name, fmt::format("{}", arm.seeds), known(arm.float_accuracy, 2),
         fmt::format("{:.2f}", arm.clean), interval(arm.clean_lo, arm.clean_hi),
         fmt::format("{:.2f}", faulty.mean), interval(faulty.lo, faulty.hi, faulty.few_decide),
         fmt::format("{:.1f}", faulty.changed_bits), fmt::format("{:.1f}", faulty.faulty_bits),
         known(arm.sparsity, 2), known(arm.training_seconds, 1)});
    if (!costs) continue;
    std::vector<std::string>& row = table.rows.back();
    row.insert(row.end(), {stored_text(arm, "-"), hardened_text(arm, "-")});
  }
  return table;
}

Table pairs_table(const Comparison& comparison) {
  Table table{{"difference", "points", "95 % interval", "p", "p, Holm", "seeds agree"}, {}};
  for (const ComparedPair& pair : comparison.pairs) {
    const Interval& points = pair.paired.difference;
    table.rows.push_back(
        {pair_name(pair), fmt::format("{:+.2f}", points.mean),
         interval(points.lo, points.hi, pair.few_decide),
         fmt::format("{:.4f}", pair.paired.sign_flip_p), fmt::format("{:.4f}", pair.p_adjusted),
         pair.seeds == 0 ? "-" : fmt::format("{} of {}", pair.seeds_agree, pair.seeds)});
  }
  return table;
}

/// "clean accuracy"; "all of these" for the last.
std::string front_name(const Front& front, const Comparison& comparison) {
  if (&front == &comparison.fronts.back()) return "all of these";
  return std::string(criterion_name(front.criteria.back()));
}

Table fronts_table(const Comparison& comparison) {
  Table table{{"arm"}, {}};
  for (const Front& front : comparison.fronts) {
    table.columns.push_back(front_name(front, comparison));
  }
  for (std::size_t i = 0; i < comparison.arms.size(); ++i) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(comparison.arms[i].name);
    for (const Front& front : comparison.fronts) {
      const Standing standing = front.standings[i];
      row.push_back(standing == Standing::unknown ? "-" : standing_words(standing));
    }
  }
  return table;
}

bool few_decide(const Comparison& comparison) {
  for (const ComparedArm& arm : comparison.arms) {
    if (arm.faulty.few_decide) return true;
  }
  for (const ComparedPair& pair : comparison.pairs) {
    if (pair.few_decide) return true;
  }
  for (const Payoff& payoff : comparison.payoffs) {
    if (std::ranges::any_of(payoff.cells, &PayoffCell::few_decide)) return true;
  }
  return false;
}

/// Empty where there is no number to write.
std::string csv_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}
std::string csv_known(double value) { return value < 0 ? "" : csv_number(value); }

/// What every row has, whatever it is about.
const std::vector<std::string> kTermColumns = {"kind",   "rate",  "basis",    "maps",
                                               "images", "split", "exposure", "source"};
std::vector<std::string> term_cells(const Comparison& c) {
  return {std::string(to_string(c.cell.kind)),
          csv_number(c.cell.rate),
          c.on_drop ? "drop" : "accuracy",
          fmt::format("{}", c.maps),
          fmt::format("{}", c.subject.images),
          c.subject.split,
          c.subject.exposure,
          c.subject.source};
}

const char* standing_key(Standing standing) {
  return standing == Standing::front ? "front" : standing == Standing::beaten ? "beaten" : "";
}

/// "clean", "all".
std::string front_key(const Front& front, const Comparison& comparison) {
  if (&front == &comparison.fronts.back()) return "all";
  return std::string(criterion_key(front.criteria.back()));
}

Json known_json(double value) { return value < 0 ? Json(nullptr) : finite_or_null(value); }

Json arms_json(const Comparison& comparison) {
  Json arms = Json::array();
  for (const ComparedArm& arm : comparison.arms) {
    const CellSummary& faulty = arm.faulty;
    arms.push_back({{"arm", arm.name},
                    {"seeds", arm.seeds},
                    {"float_accuracy", known_json(arm.float_accuracy)},
                    {"clean", arm.clean},
                    {"clean_lo", arm.clean_lo},
                    {"clean_hi", arm.clean_hi},
                    {"faulty", faulty.mean},
                    {"sd", faulty.sd},
                    {"lo", faulty.lo},
                    {"hi", faulty.hi},
                    {"anytime_lo", faulty.anytime_lo},
                    {"anytime_hi", faulty.anytime_hi},
                    {"few_decide", faulty.few_decide},
                    {"bits_changed", faulty.changed_bits},
                    {"bits_faulty", faulty.faulty_bits},
                    {"sparsity", known_json(arm.sparsity)},
                    {"training_seconds", known_json(arm.training_seconds)},
                    {"protection", arm.protection},
                    {"stored_bits", arm.stored ? Json(arm.stored->stored()) : Json(nullptr)},
                    {"hardened_bits", arm.stored ? Json(arm.stored->hardened) : Json(nullptr)}});
  }
  return arms;
}

Json pairs_json(const Comparison& comparison) {
  Json pairs = Json::array();
  for (const ComparedPair& pair : comparison.pairs) {
    const Interval& points = pair.paired.difference;
    pairs.push_back({{"first", pair.first},
                     {"second", pair.second},
                     {"points", points.mean},
                     {"lo", finite_or_null(points.lo)},
                     {"hi", finite_or_null(points.hi)},
                     {"maps", points.n},
                     {"few_decide", pair.few_decide},
                     {"p", pair.paired.sign_flip_p},
                     {"p_adjusted", pair.p_adjusted},
                     {"seeds", pair.seeds},
                     {"seeds_agree", pair.seeds_agree}});
  }
  return pairs;
}

Json fronts_json(const Comparison& comparison) {
  Json fronts = Json::array();
  for (const Front& front : comparison.fronts) {
    Json criteria = Json::array(), on_front = Json::array(), beaten = Json::array(),
         unknown = Json::array();
    for (const Criterion criterion : front.criteria) criteria.push_back(criterion_key(criterion));
    for (std::size_t i = 0; i < front.standings.size(); ++i) {
      Json& list = front.standings[i] == Standing::front    ? on_front
                   : front.standings[i] == Standing::beaten ? beaten
                                                            : unknown;
      list.push_back(comparison.arms[i].name);
    }
    fronts.push_back({{"name", front_key(front, comparison)},
                      {"criteria", std::move(criteria)},
                      {"front", std::move(on_front)},
                      {"beaten", std::move(beaten)},
                      {"unknown", std::move(unknown)}});
  }
  return fronts;
}

}  // namespace

std::string comparison_terms(const Comparison& comparison) {
  const Subject& s = comparison.subject;
  return fmt::format("{} ({}): {} that all {} arms met (seed {}), {} of {} ({} split); {}",
                     to_string(comparison.cell), comparison.cell_reason,
                     count_words(comparison.maps, "fault map", "fault maps"),
                     comparison.arms.size(), s.seed, count_words(s.images, "image", "images"),
                     s.dataset, s.split, exposure_text(s));
}

std::vector<std::string> comparison_methods(const Comparison& comparison) {
  std::vector<std::string> methods = {
      comparison.on_drop
          ? "Change: accuracy under faults minus the arm's own clean accuracy on the same images."
          : "Accuracy under faults as it is; an arm's clean accuracy is part of it.",
      "Seeds are averaged map by map; mean over maps with its 95 % t interval. Clean: 95 % Wilson "
      "interval over images.",
      fmt::format("Differences are paired on the same maps. p: two-sided sign-flip test over maps; "
                  "p, Holm: adjusted over the {} shown.",
                  count_words(comparison.pairs.size(), "pair", "pairs")),
      "Seeds agree: of the training seeds that both arms have, those whose own difference has the "
      "sign of the mean.",
      "Front: no other arm is at least as good in all its criteria and better in one; of means, "
      "whatever their intervals. Training time: seconds of all epochs as logged, mean over seeds."};
  if (any_protected(comparison)) {
    methods.emplace_back(
        "Stored bits: codes of the exposed parts, check bits and metadata of one network. "
        "Hardened: "
        "those of the codes in cells that never fail; what they cost depends on the cell.");
  }
  if (!comparison.payoffs.empty()) methods.push_back(payoff_method());
  if (few_decide(comparison)) {
    methods.emplace_back(
        "* A few maps lie far from the others (Cochran's rule: n < 25 skewness^2): the t interval "
        "may be too narrow.");
  }
  return methods;
}

std::string pair_name(const ComparedPair& pair) {
  return difference_words(pair.first, pair.second);
}

std::string standing_words(Standing standing) {
  switch (standing) {
    case Standing::front:
      return "on the front";
    case Standing::beaten:
      return "beaten";
    case Standing::unknown:
      break;
  }
  return "not known";
}

std::string comparison_text(const Comparison& comparison) {
  std::string text = fmt::format("Compared under {}.\n\n", comparison_terms(comparison));
  text += aligned_text(arms_table(comparison));
  text += fmt::format("\nDifferences on the same fault maps{}\n\n",
                      comparison.baseline.empty() ? "" : ", to " + comparison.baseline);
  text += aligned_text(pairs_table(comparison));
  text += fmt::format("\nOn the Pareto front of {} under faults against\n\n",
                      comparison.on_drop ? "change" : "accuracy");
  text += aligned_text(fronts_table(comparison)) + "\n";
  if (!comparison.payoffs.empty()) {
    text += fmt::format("Protecting bits against training for their loss, {}\n\n{}\n",
                        to_string(comparison.cell.kind), payoff_text(comparison.payoffs));
  }
  for (const std::string& note : comparison.notes) text += fmt::format("Note: {}.\n", note);
  for (const std::string& method : comparison_methods(comparison)) text += method + "\n";
  return text;
}

std::string compared_pairs_csv(const Comparison& comparison) {
  Table table{{"first", "second", "points", "lo", "hi", "few_decide", "p", "p_adjusted", "pairs",
               "seeds", "seeds_agree"},
              {}};
  table.columns.insert(table.columns.end(), kTermColumns.begin(), kTermColumns.end());
  for (const ComparedPair& pair : comparison.pairs) {
    const Interval& points = pair.paired.difference;
    std::vector<std::string> row = {pair.first,
                                    pair.second,
                                    csv_number(points.mean),
                                    csv_number(points.lo),
                                    csv_number(points.hi),
                                    pair.few_decide ? "1" : "0",
                                    csv_number(pair.paired.sign_flip_p),
                                    csv_number(pair.p_adjusted),
                                    fmt::format("{}", comparison.pairs.size()),
                                    fmt::format("{}", pair.seeds),
                                    fmt::format("{}", pair.seeds_agree)};
    const std::vector<std::string> terms = term_cells(comparison);
    row.insert(row.end(), terms.begin(), terms.end());
    table.rows.push_back(std::move(row));
  }
  return csv_text(table);
}

std::string compared_arms_csv(const Comparison& comparison) {
  Table table{{"arm", "seeds", "float_accuracy", "clean", "clean_lo", "clean_hi", "faulty", "sd",
               "lo", "hi", "bits_changed", "bits_faulty", "protection", "stored_bits",
               "hardened_bits", "sparsity", "training_seconds"},
              {}};
  for (const Front& front : comparison.fronts) {
    table.columns.push_back("front_" + front_key(front, comparison));
  }
  table.columns.insert(table.columns.end(), kTermColumns.begin(), kTermColumns.end());
  for (std::size_t i = 0; i < comparison.arms.size(); ++i) {
    const ComparedArm& arm = comparison.arms[i];
    const CellSummary& faulty = arm.faulty;
    std::vector<std::string> row = {arm.name, fmt::format("{}", arm.seeds),
                                    csv_known(arm.float_accuracy)};
    for (const double value : {arm.clean, arm.clean_lo, arm.clean_hi, faulty.mean, faulty.sd,
                               faulty.lo, faulty.hi, faulty.changed_bits, faulty.faulty_bits}) {
      row.push_back(csv_number(value));
    }
    row.insert(row.end(), {arm.protection, stored_text(arm, ""), hardened_text(arm, "")});
    row.push_back(csv_known(arm.sparsity));
    row.push_back(csv_known(arm.training_seconds));
    for (const Front& front : comparison.fronts) row.push_back(standing_key(front.standings[i]));
    const std::vector<std::string> terms = term_cells(comparison);
    row.insert(row.end(), terms.begin(), terms.end());
    table.rows.push_back(std::move(row));
  }
  return csv_text(table);
}

Json comparison_json(const Comparison& comparison) {
  const Subject& s = comparison.subject;
  return {{"format", 1},
          {"method", comparison_methods(comparison)},
          {"kind", to_string(comparison.cell.kind)},
          {"rate", comparison.cell.rate},
          {"cell", comparison.cell_reason},
          {"basis", comparison.on_drop ? "drop" : "accuracy"},
          {"baseline", comparison.baseline.empty() ? Json(nullptr) : Json(comparison.baseline)},
          {"maps", comparison.maps},
          {"images", s.images},
          {"dataset", s.dataset},
          {"split", s.split},
          {"data_hash", s.data_hash},
          {"exposure", s.exposure},
          {"source", s.source},
          {"seed", s.seed},
          {"arms", arms_json(comparison)},
          {"pairs", pairs_json(comparison)},
          {"fronts", fronts_json(comparison)},
          {"payoff", payoff_json(comparison.payoffs)},
          {"notes", comparison.notes}};
}

}  // namespace flatenn
