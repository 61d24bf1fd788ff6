#include "flatenn/report/comparable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "flatenn/report/differences.h"

namespace flatenn {
namespace {

using Indices = std::vector<std::size_t>;

/// A cell with the arms that have it; all met the same faults on the same images.
struct Candidate {
  FaultCell cell;
  Indices arms;
};

/// Arms by the faults that they met: being the same is an equivalence.
std::vector<Indices> by_faults(const std::vector<Arm>& arms) {
  std::vector<Indices> groups;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (arms[i].cells.empty()) continue;
    const auto same = [&](const Indices& group) {
      return same_faults(arms[group.front()], arms[i]);
    };
    const auto found = std::ranges::find_if(groups, same);
    if (found == groups.end()) {
      groups.push_back({i});
    } else {
      found->push_back(i);
    }
  }
  return groups;
}

/// Every cell that two arms have, the baseline among them where there is one.
std::vector<Candidate> candidates(const std::vector<Arm>& arms,
                                  const std::optional<std::size_t>& baseline) {
  std::vector<Candidate> list;
  for (const Indices& group : by_faults(arms)) {
    std::map<FaultCell, Indices> cells;
    for (const std::size_t i : group) {
      for (const ArmCell& cell : arms[i].cells) {
        cells[{cell.summary.kind, cell.summary.rate}].push_back(i);
      }
    }
    for (auto& [cell, having] : cells) {
      const bool has_baseline = !baseline || std::ranges::find(having, *baseline) != having.end();
      if (having.size() > 1 && has_baseline) list.push_back({cell, std::move(having)});
    }
  }
  return list;
}

/// Rates are typed as they are printed, with six digits.
bool meets(const FaultCell& cell, const CellWish& wish) {
  return (!wish.kind || cell.kind == *wish.kind) &&
         (!wish.rate || std::abs(cell.rate - *wish.rate) <= 1e-5 * *wish.rate);
}

/// Precondition: not empty.
const Candidate& best_of(const std::vector<Candidate>& list,
                         const std::optional<FaultCell>& chosen) {
  const Candidate* best = nullptr;
  for (const Candidate& one : list) {
    if (!chosen || one.cell != *chosen) continue;
    if (best == nullptr || one.arms.size() > best->arms.size()) best = &one;
  }
  if (best != nullptr) return *best;
  best = &list.front();
  for (const Candidate& one : list) {
    const bool more = one.arms.size() > best->arms.size();
    const bool higher = one.arms.size() == best->arms.size() && one.cell.kind == best->cell.kind &&
                        one.cell.rate > best->cell.rate;
    if (more || higher) best = &one;
  }
  return *best;
}

std::string reason(const Candidate& best, std::size_t arms, const CellWish& wish,
                   const std::optional<FaultCell>& chosen) {
  if (wish.kind && wish.rate) return "as asked";
  if (chosen && best.cell == *chosen) return "the study's chosen cell";
  const std::string who = best.arms.size() == arms
                              ? fmt::format("all {} arms", arms)
                              : fmt::format("most arms, {} of {},", best.arms.size(), arms);
  if (wish.rate) return fmt::format("the first kind of fault that {} have at this rate", who);
  return fmt::format("the highest rate of {} that {} have", to_string(best.cell.kind), who);
}

/// "flip 0.01, 0.05; stuck0 0.01".
std::string cell_list(const std::vector<Candidate>& list) {
  std::map<FaultKind, std::vector<double>> rates;
  for (const Candidate& one : list) {
    std::vector<double>& known = rates[one.cell.kind];
    if (std::ranges::find(known, one.cell.rate) == known.end()) known.push_back(one.cell.rate);
  }
  std::vector<std::string> parts;
  for (auto& [kind, of_kind] : rates) {
    std::ranges::sort(of_kind);
    std::vector<std::string> texts;
    for (const double rate : of_kind) texts.push_back(fmt::format("{:g}", rate));
    parts.push_back(fmt::format("{} {}", to_string(kind), fmt::join(texts, ", ")));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string wish_text(const CellWish& wish) {
  const std::string kind = wish.kind ? fmt::format(" {}", to_string(*wish.kind)) : "";
  return wish.rate ? fmt::format("{} at rate {:g}", kind, *wish.rate) : kind;
}

std::string no_cell(const std::vector<Arm>& arms, const std::vector<Candidate>& all,
                    const CellWish& wish, const std::optional<std::size_t>& baseline) {
  if (arms.empty()) return "no arms here; a comparison needs two";
  if (arms.size() == 1) {
    return fmt::format("one arm alone, '{}'; a comparison needs two", arms[0].name);
  }
  if (!all.empty()) {
    return fmt::format("no cell{} that two arms have; there are: {}", wish_text(wish),
                       cell_list(all));
  }
  const std::string who =
      baseline ? fmt::format("no other arm and '{}'", arms[*baseline].name) : "no two arms";
  return fmt::format(
      "{} met the same faults on the same images; 'flatenn campaign A B --store STORE' measures "
      "networks on the same fault maps",
      who);
}

/// From `start` on, every arm that leaves some map to all.
void share_maps(const std::vector<Arm>& arms, const Candidate& candidate, std::size_t start,
                Comparable& found) {
  const auto maps_of = [&](std::size_t i) -> const std::vector<std::uint64_t>& {
    return find_cell(arms[i], candidate.cell.kind, candidate.cell.rate)->maps;
  };
  Indices members = {start};
  std::vector<std::uint64_t> maps = maps_of(start);
  for (const std::size_t i : candidate.arms) {
    if (i == start) continue;
    std::vector<std::uint64_t> common;
    std::ranges::set_intersection(maps, maps_of(i), std::back_inserter(common));
    if (common.empty()) continue;
    maps = std::move(common);
    members.push_back(i);
  }
  if (members.size() <= found.arms.size()) return;
  std::ranges::sort(members);
  found.arms = std::move(members);
  found.maps = std::move(maps);
}

std::string left_out_reason(const std::vector<Arm>& arms, std::size_t i, const Comparable& found) {
  if (arms[i].subject.source == "single") return "single cells were tried, no fault maps";
  if (arms[i].cells.empty()) return "no trials under faults";
  if (!same_faults(arms[i], arms[found.arms.front()])) return "other faults or other images";
  if (find_cell(arms[i], found.cell.kind, found.cell.rate) == nullptr) {
    return fmt::format("not measured under {}", to_string(found.cell));
  }
  return "no fault map in common";
}

void add_notes(const std::vector<Arm>& arms, Comparable& found) {
  std::vector<std::string> longer;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (std::ranges::find(found.arms, i) == found.arms.end()) {
      found.notes.push_back(
          fmt::format("{} is left out: {}", arms[i].name, left_out_reason(arms, i, found)));
      continue;
    }
    const std::size_t met = find_cell(arms[i], found.cell.kind, found.cell.rate)->maps.size();
    if (met > found.maps.size()) longer.push_back(fmt::format("{} {}", arms[i].name, met));
  }
  if (longer.empty()) return;
  found.notes.push_back(
      fmt::format("only the {} fault map{} that all met count{}; there are more of {}",
                  found.maps.size(), found.maps.size() == 1 ? "" : "s",
                  found.maps.size() == 1 ? "s" : "", fmt::join(longer, ", ")));
}

}  // namespace

std::string to_string(const FaultCell& cell) {
  return fmt::format("{} at rate {:g}", to_string(cell.kind), cell.rate);
}

std::optional<FaultCell> chosen_cell(const std::vector<StudyClaim>& claims) {
  const auto found = std::ranges::find(claims, true, &StudyClaim::chosen);
  if (found == claims.end()) return {};
  return FaultCell{found->kind, found->rate};
}

Comparable find_comparable(const std::vector<Arm>& arms, const CellWish& wish,
                           const std::optional<FaultCell>& chosen,
                           const std::optional<std::size_t>& baseline) {
  Comparable found;
  const std::vector<Candidate> all = candidates(arms, baseline);
  std::vector<Candidate> wished;
  std::ranges::copy_if(all, std::back_inserter(wished),
                       [&](const Candidate& one) { return meets(one.cell, wish); });
  if (wished.empty()) {
    found.problem = no_cell(arms, all, wish, baseline);
    return found;
  }
  const Candidate& best = best_of(wished, chosen);
  found.cell = best.cell;
  found.cell_reason = reason(best, arms.size(), wish, chosen);
  const Indices starts = baseline ? Indices{*baseline} : best.arms;
  for (const std::size_t start : starts) {
    share_maps(arms, best, start, found);
    if (found.arms.size() == best.arms.size()) break;
  }
  if (found.arms.size() < 2) {
    found.problem =
        fmt::format("the arms under {} never met the same fault maps", to_string(found.cell));
    return found;
  }
  add_notes(arms, found);
  return found;
}

}  // namespace flatenn
