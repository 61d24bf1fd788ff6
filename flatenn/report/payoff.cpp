#include "flatenn/report/payoff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "flatenn/report/comparable.h"
#include "flatenn/report/differences.h"

namespace flatenn {
namespace {

/// The arm and after it the unprotected ones that met the same faults.
std::vector<Arm> with_rivals(const std::vector<Arm>& arms, const Arm& arm) {
  std::vector<Arm> list = {arm};
  std::ranges::copy_if(arms, std::back_inserter(list), [&](const Arm& other) {
    return other.protection.empty() && same_faults(other, arm);
  });
  return list;
}

std::vector<double> kept(const Arm& arm, const FaultCell& at,
                         const std::vector<std::uint64_t>& maps, bool on_drop) {
  const ArmCell& cell = *find_cell(arm, at.kind, at.rate);
  std::vector<double> values = on_maps(cell.maps, cell.accuracies, maps);
  for (double& value : values) value = rounded_points(value - (on_drop ? arm.clean : 0));
  return values;
}

/// The first of `list` against the others; nothing where none of them can be compared in that cell.
std::optional<PayoffCell> payoff_cell(const std::vector<Arm>& list, const FaultCell& cell,
                                      bool on_drop) {
  const Comparable found = find_comparable(list, {cell.kind, cell.rate}, cell, 0);
  if (!found.problem.empty() || found.cell != cell) return {};
  const std::vector<double> own = kept(list[0], cell, found.maps, on_drop);
  std::optional<PayoffCell> best;
  for (const std::size_t i : found.arms) {
    if (i == 0) continue;
    std::vector<double> differences = kept(list[i], cell, found.maps, on_drop);
    std::ranges::transform(own, differences, differences.begin(), std::minus());
    const Interval points = t_interval(differences);
    if (best && points.mean >= best->points.mean) continue;
    const bool few_decide = differences.size() > 1 && !normal_enough(differences);
    best = {cell.rate, list[i].name, points, few_decide};
  }
  return best;
}

/// "at every measured rate", "up to rate 0.001 and from rate 0.03 on", "at no measured rate".
std::string rates_words(const std::vector<PayoffCell>& cells, Payer payer) {
  std::vector<std::string> runs;
  for (std::size_t first = 0, end = 0; first < cells.size(); first = std::max(end, first + 1)) {
    end = first;
    while (end < cells.size() && cells[end].payer() == payer) ++end;
    if (end == first) continue;
    const double low = cells[first].rate, high = cells[end - 1].rate;
    if (first == 0 && end == cells.size()) return "at every measured rate";
    if (first == 0) {
      runs.push_back(fmt::format("up to rate {:g}", high));
    } else if (end == cells.size()) {
      runs.push_back(fmt::format("from rate {:g} on", low));
    } else if (low == high) {
      runs.push_back(fmt::format("at rate {:g}", low));
    } else {
      runs.push_back(fmt::format("from rate {:g} to {:g}", low, high));
    }
  }
  return runs.empty() ? "at no measured rate" : fmt::format("{}", fmt::join(runs, " and "));
}

}  // namespace

std::string_view to_string(Payer payer) {
  switch (payer) {
    case Payer::protection:
      return "protection";
    case Payer::training:
      return "training";
    case Payer::open:
      break;
  }
  return "open";
}

Payer PayoffCell::payer() const {
  if (points.lo > 0) return Payer::protection;
  return points.hi < 0 ? Payer::training : Payer::open;
}

std::optional<double> Payoff::pays_up_to() const {
  std::optional<double> rate;
  for (const PayoffCell& cell : cells) {
    if (cell.payer() == Payer::protection) rate = cell.rate;
  }
  return rate;
}

std::optional<double> Payoff::beaten_from() const {
  std::optional<double> rate;
  for (auto cell = cells.rbegin(); cell != cells.rend() && cell->payer() == Payer::training;
       ++cell) {
    rate = cell->rate;
  }
  return rate;
}

std::vector<Payoff> payoffs(const std::vector<Arm>& arms, FaultKind kind,
                            const std::optional<std::size_t>& plain, bool on_drop) {
  std::vector<Payoff> list;
  for (const Arm& arm : arms) {
    const bool asked = !plain || arm.subject.model_hash == arms[*plain].subject.model_hash;
    if (!asked || !arm.stored || arm.stored->overhead() == 0) continue;
    Payoff payoff{arm.name, *arm.stored, kind, {}};
    const std::vector<Arm> compared = with_rivals(arms, arm);
    for (const ArmCell& cell : arm.cells) {
      if (cell.summary.kind != kind) continue;
      const auto found = payoff_cell(compared, {kind, cell.summary.rate}, on_drop);
      if (found) payoff.cells.push_back(*found);
    }
    if (!payoff.cells.empty()) list.push_back(std::move(payoff));
  }
  return list;
}

std::string payoff_words(const Payoff& payoff) {
  std::string text =
      fmt::format("{} ({:.3g} % more bits) keeps more than the best unprotected arm {}", payoff.arm,
                  payoff.cost.overhead(), rates_words(payoff.cells, Payer::protection));
  for (const auto& [payer, words] :
       {std::pair{Payer::training, "less"}, std::pair{Payer::open, "not shown either way"}}) {
    if (std::ranges::find(payoff.cells, payer, &PayoffCell::payer) == payoff.cells.end()) continue;
    text += fmt::format("; {} {}", words, rates_words(payoff.cells, payer));
  }
  return text;
}

}  // namespace flatenn
