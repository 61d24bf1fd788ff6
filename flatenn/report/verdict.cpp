#include "flatenn/report/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "flatenn/report/differences.h"
#include "flatenn/report/tolerated.h"
#include "flatenn/report/words.h"

namespace flatenn {
namespace {

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] += 'A' - 'a';
  return text;
}

void add_claims(const std::vector<StudyClaim>& claims, std::vector<Verdict>& verdicts) {
  int judged = 0, held = 0;
  for (const StudyClaim& one : claims) {
    if (!one.chosen) continue;
    if (one.on_drop) {
      ++judged;
      held += one.holds ? 1 : 0;
      continue;
    }
    verdicts.push_back(
        {one.holds ? "holds" : "fails",
         fmt::format("{}: {}, {} under {} in {} of the cells.", capital(claim_statement(one)),
                     claim_difference(one), points_words(one.points, one.lo, one.hi),
                     kind_words(one.kind), rate_words(one.rate))});
  }
  if (judged > 0) {
    verdicts.push_back({"", fmt::format("Counted as drops from each arm's own accuracy without "
                                        "faults, {} of the {} statements hold.",
                                        held, judged)});
  }
}

/// Whether flatness foretells what faults cost; that it does not is an answer too.
void add_explanation(const StudyAnalysis& study, std::vector<Verdict>& verdicts) {
  if (study.correlations.empty() || study.best.empty()) return;
  int cells = 0, clear = 0;
  for (const Correlation& one : study.correlations) {
    if (one.measure != study.best) continue;
    ++cells;
    clear += one.all.lo > 0 ? 1 : 0;
  }
  const std::string found = fmt::format(
      "{} follows the accuracy that faults cost best, with a mean rank correlation of "
      "{:.2f}",
      study.best, study.best_mean);
  if (clear == 0) {
    verdicts.push_back(
        {"", fmt::format("No measure of flatness foretells what faults cost here: {}, "
                         "and in none of {} cells its interval lies above 0.",
                         found, cells)});
  } else {
    verdicts.push_back({"", fmt::format("Of the measures of flatness {}; in {} of {} cells its "
                                        "interval lies above 0.",
                                        found, clear, cells)});
  }
}

/// The arms with a cell of this kind and rate, the one with the highest mean first.
std::vector<std::pair<const Arm*, const CellSummary*>> ranked(const std::vector<Arm>& arms,
                                                              FaultKind kind, double rate) {
  std::vector<std::pair<const Arm*, const CellSummary*>> list;
  for (const Arm& arm : arms) {
    const ArmCell* cell = find_cell(arm, kind, rate);
    if (cell != nullptr) list.emplace_back(&arm, &cell->summary);
  }
  std::ranges::stable_sort(
      list, [](const auto& a, const auto& b) { return a.second->mean > b.second->mean; });
  return list;
}

/// The highest rate of each kind that most arms were measured at.
std::map<FaultKind, double> telling_rates(const std::vector<Arm>& arms) {
  std::map<FaultKind, std::map<double, int>> counts;
  for (const Arm& arm : arms) {
    for (const ArmCell& cell : arm.cells) ++counts[cell.summary.kind][cell.summary.rate];
  }
  std::map<FaultKind, double> rates;
  for (const auto& [kind, of_rate] : counts) {
    int most = 0;
    for (const auto& [rate, count] : of_rate) {
      if (count >= most) {
        most = count;
        rates[kind] = rate;
      }
    }
  }
  return rates;
}

void add_best(const PageStore& store, const std::string& prefix, std::vector<Verdict>& verdicts) {
  for (const auto& [kind, rate] : telling_rates(store.arms)) {
    const auto list = ranked(store.arms, kind, rate);
    const auto& [best, cell] = list.front();
    std::string text = fmt::format(
        "{}{}, {} of the cells faulty: {} keeps {}{} of {:.1f}\u00a0% without faults", prefix,
        capital(kind_words(kind)), rate_words(rate), best->name, list.size() > 1 ? "most, " : "",
        accuracy_words(cell->mean, cell->lo, cell->hi), best->clean);
    if (list.size() > 1) {
      const auto& [worst, low] = list.back();
      text += fmt::format("; {} least, {} of {:.1f}\u00a0%", worst->name,
                          accuracy_words(low->mean, low->lo, low->hi), worst->clean);
    }
    verdicts.push_back({"", text + "."});
  }
}

void add_single_bits(const PageStore& store, const std::string& prefix,
                     std::vector<Verdict>& verdicts) {
  for (const Arm& arm : store.arms) {
    for (const SingleBitSummary& summary : arm.single_bits) {
      const Interval& share = summary.critical_share;
      verdicts.push_back(
          {"",
           fmt::format("{}{}, one cell at a time ({}): {:.2f}\u00a0% [{:.2f}, {:.2f}] of the cells "
                       "cost more than {:g} point{} of accuracy.",
                       prefix, arm.name, kind_words(summary.kind), share.mean, share.lo, share.hi,
                       summary.critical_points, summary.critical_points == 1 ? "" : "s")});
    }
  }
}

void add_changes(const PageStore& a, const PageStore& b, std::vector<Verdict>& verdicts) {
  for (const auto& [kind, rate] : telling_rates(b.arms)) {
    for (const Arm& arm : b.arms) {
      const auto before = std::ranges::find(a.arms, arm.name, &Arm::name);
      if (before == a.arms.end()) continue;
      for (const Difference& one : compare(arm, *before)) {
        if (one.kind != kind || one.rate != rate) continue;
        verdicts.push_back(
            {"", fmt::format("{}, {} of the cells faulty: {} changes by {} from {} to {}.",
                             capital(kind_words(kind)), rate_words(rate), arm.name,
                             points_words(one.points.mean, one.points.lo, one.points.hi), a.name,
                             b.name)});
      }
    }
  }
}

}  // namespace

std::vector<Verdict> verdicts(const PageInputs& inputs) {
  constexpr std::size_t kMost = 24;  // a page's top is to be read
  std::vector<Verdict> list;
  add_claims(inputs.claims, list);
  if (inputs.study) add_explanation(*inputs.study, list);
  for (const PageStore& store : inputs.stores) {
    const std::string prefix = inputs.stores.size() > 1 ? store.name + ": " : "";
    add_best(store, prefix, list);
    add_single_bits(store, prefix, list);
  }
  if (inputs.stores.size() == 2) add_changes(inputs.stores[0], inputs.stores[1], list);
  if (list.size() > kMost) list.resize(kMost);
  if (list.empty()) {
    list.push_back({"", "Nothing has been measured under faults yet; below is what is known."});
  }
  return list;
}

}  // namespace flatenn
