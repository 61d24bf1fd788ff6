#include "flatenn/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/config/names.h"
#include "flatenn/report/protection_costs.h"
#include "flatenn/stats/holm.h"

namespace flatenn {
namespace {

struct CriterionFacts {
  const char* name;
  const char* key;
  const char* unit;
  Better better;
};
constexpr CriterionFacts kFacts[] = {
    // in the order of the enumeration
    {"accuracy under faults", "faulty", "%", Better::higher},
    {"clean accuracy", "clean", "%", Better::higher},
    {"sparsity", "sparsity", "%", Better::higher},
    {"training time", "training_seconds", "s", Better::lower},
    {"stored memory", "stored_bits", "bits", Better::lower},
};
const CriterionFacts& facts(Criterion criterion) {
  return kFacts[static_cast<std::size_t>(criterion)];
}

constexpr Criterion kAgainst[] = {Criterion::clean, Criterion::sparsity, Criterion::training_time,
                                  Criterion::stored_bits};

/// An arm on the common maps, on the basis of the comparison.
struct Kept {
  std::vector<double> mean;             ///< [map], over seeds
  std::vector<double> seeds;            ///< [label], over maps
  std::vector<std::string> seed_names;  ///< [label], empty where the label has none
};

Kept kept_by(const Arm& arm, const ArmCell& cell, const std::vector<std::uint64_t>& maps,
             bool on_drop) {
  Kept kept;
  kept.mean = on_maps(cell.maps, cell.accuracies, maps);
  for (double& value : kept.mean) value = rounded_points(value - (on_drop ? arm.clean : 0));
  for (std::size_t i = 0; i < arm.labels.size(); ++i) {
    const double mean = Accumulator(on_maps(cell.maps, cell.seed_accuracies[i], maps)).mean();
    kept.seeds.push_back(rounded_points(mean - (on_drop ? arm.seed_clean[i] : 0)));
    kept.seed_names.push_back(split_seed(arm.labels[i]).second);
  }
  return kept;
}

ComparedArm compared_arm(const Arm& arm, const ArmCell& cell,
                         const std::vector<std::uint64_t>& maps, bool on_drop) {
  CellSummary faulty = summarize_accuracies(on_maps(cell.maps, cell.accuracies, maps));
  faulty.kind = cell.summary.kind;
  faulty.rate = cell.summary.rate;
  faulty.faulty_bits = cell.summary.faulty_bits;
  faulty.changed_bits = cell.summary.changed_bits;
  faulty.answers_changed = cell.summary.answers_changed;
  if (on_drop) {
    for (double* value :
         {&faulty.mean, &faulty.lo, &faulty.hi, &faulty.anytime_lo, &faulty.anytime_hi}) {
      *value -= arm.clean;
    }
  }
  return {
      arm.name, arm.labels.size(), arm.float_accuracy,   arm.clean,      arm.clean_lo, arm.clean_hi,
      faulty,   arm.sparsity,      arm.training_seconds, arm.protection, arm.stored};
}

int sign(double x) { return (x > 0) - (x < 0); }

/// Seeds are paired by their number, two single networks with each other.
void count_agreeing(const Kept& a, const Kept& b, ComparedPair& pair) {
  const bool single = a.seeds.size() == 1 && b.seeds.size() == 1;
  for (std::size_t i = 0; i < a.seeds.size(); ++i) {
    for (std::size_t j = 0; j < b.seeds.size(); ++j) {
      const bool same = !a.seed_names[i].empty() && a.seed_names[i] == b.seed_names[j];
      if (!single && !same) continue;
      ++pair.seeds;
      const double difference = a.seeds[i] - b.seeds[j];
      if (sign(difference) == sign(pair.paired.difference.mean)) ++pair.seeds_agree;
    }
  }
}

ComparedPair compared_pair(const std::string& first, const Kept& a, const std::string& second,
                           const Kept& b) {
  ComparedPair pair;
  pair.first = first;
  pair.second = second;
  pair.paired = compare_paired(a.mean, b.mean);
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.mean.size(); ++i) differences.push_back(a.mean[i] - b.mean[i]);
  pair.few_decide = differences.size() > 1 && !normal_enough(differences);
  count_agreeing(a, b, pair);
  return pair;
}

/// Of an arm's name, or its label, or its label without the seed, these with its protection.
std::optional<std::size_t> find_baseline(const std::vector<Arm>& arms, const std::string& name) {
  if (name.empty()) return {};
  std::vector<std::string> known;
  for (const Arm& arm : arms) known.push_back(arm.name);
  const auto named = std::ranges::find(known, name);
  if (named != known.end()) return static_cast<std::size_t>(named - known.begin());
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const bool labelled = std::ranges::any_of(arms[i].labels, [&](const std::string& label) {
      return protected_name(label, arms[i].protection) == name ||
             protected_name(split_seed(label).first, arms[i].protection) == name;
    });
    if (!labelled) continue;
    if (found) {
      fail("baseline '{}' could be '{}' or '{}'; name one of them", name, arms[*found].name,
           arms[i].name);
    }
    found = i;
  }
  if (found) return found;
  const std::string closest = closest_name(name, known);
  fail("no arm '{}' to compare with{}; there are: {}", name,
       closest.empty() ? "" : "; did you mean '" + closest + "'?", fmt::join(known, ", "));
}

void add_pairs(const std::vector<Kept>& kept, Comparison& comparison) {
  const std::vector<ComparedArm>& arms = comparison.arms;
  for (std::size_t second = 0; second < arms.size(); ++second) {
    const bool all = comparison.baseline.empty();
    if (!all && arms[second].name != comparison.baseline) continue;
    for (std::size_t first = all ? second + 1 : 0; first < arms.size(); ++first) {
      if (first == second) continue;
      comparison.pairs.push_back(
          compared_pair(arms[first].name, kept[first], arms[second].name, kept[second]));
    }
  }
  std::vector<double> p;
  for (const ComparedPair& pair : comparison.pairs) p.push_back(pair.paired.sign_flip_p);
  const std::vector<double> adjusted = holm_adjust(p);
  for (std::size_t i = 0; i < adjusted.size(); ++i) comparison.pairs[i].p_adjusted = adjusted[i];
}

/// The best p values that so many maps can give may be too weak for so many pairs.
void note_weak_test(Comparison& comparison) {
  const double maps = static_cast<double>(comparison.maps);
  const double least = std::max(std::pow(2.0, 1 - maps), 1.0 / (1 + PairedOptions().patterns));
  const double adjusted = std::min(1.0, least * static_cast<double>(comparison.pairs.size()));
  if (adjusted <= 0.05) return;
  comparison.notes.push_back(fmt::format(
      "with {} fault map{} and {} pair{} no adjusted p can lie below {:.2g}, whatever the "
      "differences: more maps, or fewer pairs (--baseline, --only), could tell more",
      comparison.maps, comparison.maps == 1 ? "" : "s", comparison.pairs.size(),
      comparison.pairs.size() == 1 ? "" : "s", adjusted));
}

bool known(const ComparedArm& arm, Criterion criterion) {
  return criterion == Criterion::faulty || criterion_value(arm, criterion) >= 0;
}

/// Arms without one of the values can neither be on the front nor be beaten.
Front make_front(const std::vector<ComparedArm>& arms, const std::vector<Criterion>& criteria) {
  std::vector<Better> better;
  for (const Criterion criterion : criteria) better.push_back(criterion_better(criterion));
  std::vector<std::vector<double>> points;
  std::vector<std::size_t> of_point;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (!std::ranges::all_of(criteria, [&](Criterion c) { return known(arms[i], c); })) continue;
    std::vector<double>& point = points.emplace_back();
    for (const Criterion criterion : criteria) point.push_back(criterion_value(arms[i], criterion));
    of_point.push_back(i);
  }
  Front front{criteria, std::vector<Standing>(arms.size(), Standing::unknown)};
  const std::vector<bool> on_front = pareto_front(points, better);
  for (std::size_t i = 0; i < points.size(); ++i) {
    front.standings[of_point[i]] = on_front[i] ? Standing::front : Standing::beaten;
  }
  return front;
}

/// Without protections a memory has the same bits for all, and nothing is to be told.
bool tells_nothing(const std::vector<ComparedArm>& arms, Criterion criterion) {
  return criterion == Criterion::stored_bits &&
         std::ranges::all_of(arms, [&](const ComparedArm& arm) {
           return criterion_value(arm, criterion) == criterion_value(arms.front(), criterion);
         });
}

void add_fronts(Comparison& comparison) {
  std::vector<Criterion> all = {Criterion::faulty};
  for (const Criterion criterion : kAgainst) {
    if (tells_nothing(comparison.arms, criterion)) continue;
    std::vector<std::string> lacking;
    for (const ComparedArm& arm : comparison.arms) {
      if (!known(arm, criterion)) lacking.push_back(arm.name);
    }
    if (lacking.size() == comparison.arms.size()) {
      comparison.notes.push_back(
          fmt::format("{} is not known and has no front", criterion_name(criterion)));
      continue;
    }
    if (!lacking.empty()) {
      comparison.notes.push_back(fmt::format("{} is not known of {}: left out where it counts",
                                             criterion_name(criterion), fmt::join(lacking, ", ")));
    }
    comparison.fronts.push_back(make_front(comparison.arms, {Criterion::faulty, criterion}));
    all.push_back(criterion);
  }
  comparison.fronts.push_back(make_front(comparison.arms, all));
}

}  // namespace

std::string_view criterion_name(Criterion criterion) { return facts(criterion).name; }
std::string_view criterion_key(Criterion criterion) { return facts(criterion).key; }
std::string_view criterion_unit(Criterion criterion) { return facts(criterion).unit; }
Better criterion_better(Criterion criterion) { return facts(criterion).better; }

bool any_protected(const Comparison& comparison) {
  return std::ranges::any_of(comparison.arms,
                             [](const ComparedArm& arm) { return !arm.protection.empty(); });
}

double criterion_value(const ComparedArm& arm, Criterion criterion) {
  switch (criterion) {
    case Criterion::faulty:
      return arm.faulty.mean;
    case Criterion::clean:
      return arm.clean;
    case Criterion::sparsity:
      return arm.sparsity;
    case Criterion::training_time:
      return arm.training_seconds;
    case Criterion::stored_bits:
      return arm.stored ? static_cast<double>(arm.stored->stored()) : -1;
  }
  FLATENN_ASSERT(!"a criterion without a value");
  return -1;
}

Comparison compare_arms(const std::vector<Arm>& arms, const ComparisonOptions& options) {
  const std::optional<std::size_t> baseline = find_baseline(arms, options.baseline);
  Comparable found = find_comparable(arms, options.cell, options.chosen, baseline);
  if (!found.problem.empty()) fail("{}", found.problem);
  Comparison comparison;
  comparison.cell = found.cell;
  comparison.cell_reason = found.cell_reason;
  comparison.on_drop = options.on_drop;
  if (baseline) comparison.baseline = arms[*baseline].name;
  comparison.subject = unprotected_subject(arms[found.arms.front()].subject);
  comparison.maps = found.maps.size();
  comparison.notes = std::move(found.notes);
  std::vector<Kept> kept;
  for (const std::size_t i : found.arms) {
    const ArmCell& cell = *find_cell(arms[i], found.cell.kind, found.cell.rate);
    comparison.arms.push_back(compared_arm(arms[i], cell, found.maps, options.on_drop));
    kept.push_back(kept_by(arms[i], cell, found.maps, options.on_drop));
  }
  add_pairs(kept, comparison);
  add_fronts(comparison);
  comparison.payoffs = payoffs(arms, found.cell.kind, baseline, options.on_drop);
  note_weak_test(comparison);
  return comparison;
}

}  // namespace flatenn
