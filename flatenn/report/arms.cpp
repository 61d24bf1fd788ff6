#include "flatenn/report/arms.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/config/names.h"
#include "flatenn/report/protection_costs.h"
#include "flatenn/stats/proportion.h"

namespace flatenn {
namespace {

using CellKey = std::pair<FaultKind, double>;

/// One map's sums over the seeds that met it.
struct MapSum {
  std::vector<double> accuracies;  // a seed each, in the order of labels
  double faulty = 0, changed = 0, answers = 0;
};
using Sums = std::map<CellKey, std::map<std::uint64_t, MapSum>>;

void add_trial(const Trial& trial, std::uint64_t images, Sums& sums) {
  MapSum& sum = sums[{trial.kind, trial.rate}][trial.map];
  sum.accuracies.push_back(100.0 * static_cast<double>(trial.correct) /
                           static_cast<double>(images));
  sum.faulty += static_cast<double>(trial.faulty_bits);
  sum.changed += static_cast<double>(trial.changed_bits);
  sum.answers += static_cast<double>(trial.answers_changed);
}

ArmCell make_cell(const CellKey& key, const std::map<std::uint64_t, MapSum>& sums,
                  std::uint64_t seeds) {
  ArmCell cell;
  Accumulator faulty, changed, answers;
  cell.seed_accuracies.resize(seeds);
  const auto n = static_cast<double>(seeds);
  for (const auto& [map, sum] : sums) {
    if (sum.accuracies.size() != seeds) continue;
    cell.maps.push_back(map);
    cell.accuracies.push_back(Accumulator(sum.accuracies).mean());
    for (std::size_t i = 0; i < seeds; ++i) cell.seed_accuracies[i].push_back(sum.accuracies[i]);
    faulty.add(sum.faulty / n);
    changed.add(sum.changed / n);
    answers.add(sum.answers / n);
  }
  if (cell.maps.empty()) return cell;
  for (const auto& one : cell.seed_accuracies) cell.seed_means.push_back(Accumulator(one).mean());
  cell.summary = summarize_accuracies(cell.accuracies);
  cell.summary.kind = key.first;
  cell.summary.rate = key.second;
  cell.summary.faulty_bits = faulty.mean();
  cell.summary.changed_bits = changed.mean();
  cell.summary.answers_changed = answers.mean();
  return cell;
}

/// The mean of what is known; negative when nothing is.
double mean_known(const std::vector<Subject>& seeds, double Subject::*field) {
  Accumulator known;
  for (const Subject& seed : seeds) {
    if (seed.*field >= 0) known.add(seed.*field);
  }
  return known.count() == 0 ? -1 : known.mean();
}

void set_clean(const std::vector<Subject>& seeds, Arm& arm) {
  double correct = 0;
  for (const Subject& seed : seeds) correct += static_cast<double>(seed.clean_correct);
  correct /= static_cast<double>(seeds.size());
  const Interval clean =
      wilson_interval(static_cast<std::uint64_t>(std::llround(correct)), arm.subject.images);
  arm.clean = 100 * correct / static_cast<double>(arm.subject.images);
  arm.clean_lo = std::min(100 * clean.lo, arm.clean);
  arm.clean_hi = std::max(100 * clean.hi, arm.clean);
}

Arm read_arm(const Store& store, const MapRange& maps, double critical_points,
             const std::vector<Subject>& seeds) {
  Arm arm;
  arm.subject = seeds.front();
  arm.protection = to_string(parse_source_protection(arm.subject.source));
  arm.stored = stored_cost(arm.subject);
  arm.float_accuracy = mean_known(seeds, &Subject::float_accuracy);
  arm.sparsity = mean_known(seeds, &Subject::sparsity);
  set_clean(seeds, arm);
  for (const Subject& seed : seeds) {
    arm.labels.push_back(seed.label);
    arm.seed_clean.push_back(100.0 * static_cast<double>(seed.clean_correct) /
                             static_cast<double>(seed.images));
  }
  if (arm.subject.source == "single") {
    // A map is a cell of the memory here: its bit position tells more than the mean over cells.
    const std::vector<Trial> trials = store.trials(arm.subject.key());
    arm.trials = trials.size();
    arm.single_bits = summarize_single_bits(arm.subject, trials, critical_points);
    return arm;
  }
  Sums sums;
  for (const Subject& seed : seeds) {
    store.visit_trials(
        seed.key(), Answers::skip,
        [&](const Trial& trial) {
          arm.trials += 1;
          add_trial(trial, seed.images, sums);
        },
        maps);
  }
  for (const auto& [key, of_maps] : sums) {
    ArmCell cell = make_cell(key, of_maps, seeds.size());
    if (!cell.maps.empty()) arm.cells.push_back(std::move(cell));
  }
  return arm;
}

/// What an arm's seeds have in common.
auto conditions(const Subject& s) {
  return std::tuple(split_seed(s.label).first, s.data_hash, s.exposure, s.source, s.images,
                    s.memory_bits, s.exposed_bits, s.seed);
}

/// Subjects by arm. A label that repeats under the same conditions is another network of that name,
/// not another seed; and a single-bit campaign is about one network.
std::vector<std::vector<Subject>> group(const std::vector<Subject>& subjects) {
  std::vector<std::vector<Subject>> arms;
  for (const Subject& subject : subjects) {
    const bool alone = split_seed(subject.label).second.empty() || subject.source == "single";
    const auto same = [&](const std::vector<Subject>& seeds) {
      return !alone && conditions(seeds.front()) == conditions(subject) &&
             !split_seed(seeds.front().label).second.empty() &&
             std::ranges::find(seeds, subject.label, &Subject::label) == seeds.end();
    };
    const auto found = std::ranges::find_if(arms, same);
    if (found == arms.end()) {
      arms.push_back({subject});
    } else {
      found->push_back(subject);
    }
  }
  return arms;
}

/// What a subject may be called: its label, its arm, and both with their protection.
std::vector<std::string> names_of(const Subject& subject) {
  const std::string protection = to_string(parse_source_protection(subject.source));
  const std::string arm = split_seed(subject.label).first;
  return {subject.label, arm, protected_name(subject.label, protection),
          protected_name(arm, protection)};
}

/// Keeps the subjects whose label or arm is asked for, in that order.
std::vector<Subject> choose(const std::vector<Subject>& all,
                            const std::vector<std::string>& labels) {
  if (labels.empty()) return all;
  std::vector<std::string> known;
  for (const Subject& subject : all) {
    for (const std::string& name : names_of(subject)) {
      if (std::ranges::find(known, name) == known.end()) known.push_back(name);
    }
  }
  std::vector<Subject> chosen;
  for (const std::string& label : labels) {
    if (std::ranges::find(known, label) == known.end()) {
      const std::string closest = closest_name(label, known);
      fail("no network '{}' in the store{}; it has: {}", label,
           closest.empty() ? "" : "; did you mean '" + closest + "'?", fmt::join(known, ", "));
    }
    for (const Subject& subject : all) {
      const std::vector<std::string> names = names_of(subject);
      const bool asked = std::ranges::find(names, label) != names.end();
      if (asked && std::ranges::find(chosen, subject) == chosen.end()) chosen.push_back(subject);
    }
  }
  return chosen;
}

std::string conditions_text(const Subject& subject) {
  const std::string text = subject.exposure.empty() ? "all weights" : subject.exposure;
  const std::string source = unprotected_source(subject.source);
  return source.empty() ? text : text + ", " + source;
}

/// Names that tell the arms apart, whatever the labels are.
void set_names(const std::vector<std::vector<Subject>>& groups, std::vector<Arm>& arms) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const std::string& label = groups[i].front().label;
    names.push_back(
        protected_name(groups[i].size() > 1 ? split_seed(label).first : label, arms[i].protection));
  }
  std::set<std::string> taken;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    std::string name = names[i];
    if (std::ranges::count(names, name) > 1) {
      name += fmt::format(" ({})", conditions_text(arms[i].subject));
    }
    std::string unique = name;
    for (int n = 2; !taken.insert(unique).second; ++n) unique = fmt::format("{} #{}", name, n);
    arms[i].name = unique;
  }
}

}  // namespace

std::pair<std::string, std::string> split_seed(const std::string& label) {
  constexpr std::string_view kEnding = "-seed";
  const std::size_t at = label.rfind(kEnding);
  if (at == std::string::npos || at == 0) return {label, ""};
  const std::string digits = label.substr(at + kEnding.size());
  const bool number = !digits.empty() && std::ranges::all_of(digits, [](unsigned char c) {
    return c >= '0' && c <= '9';
  });
  return number ? std::pair{label.substr(0, at), digits} : std::pair{label, std::string()};
}

std::string protected_name(const std::string& name, const std::string& protection) {
  return protection.empty() ? name : fmt::format("{} + {}", name, protection);
}

std::vector<Arm> read_arms(const Store& store, const MapRange& maps,
                           const std::vector<std::string>& labels, double critical_points) {
  const auto groups = group(choose(store.subjects(), labels));
  std::vector<Arm> arms;
  for (const auto& seeds : groups) {
    arms.push_back(read_arm(store, maps, critical_points, seeds));
  }
  set_names(groups, arms);
  return arms;
}

const ArmCell* find_cell(const Arm& arm, FaultKind kind, double rate) {
  const auto found = std::ranges::find_if(arm.cells, [&](const ArmCell& cell) {
    return cell.summary.kind == kind && cell.summary.rate == rate;
  });
  return found == arm.cells.end() ? nullptr : &*found;
}

std::vector<double> on_maps(const std::vector<std::uint64_t>& maps,
                            const std::vector<double>& values,
                            const std::vector<std::uint64_t>& wanted) {
  std::vector<double> kept;
  std::size_t i = 0;
  for (const std::uint64_t map : wanted) {
    while (maps.at(i) != map) ++i;
    kept.push_back(values.at(i));
  }
  return kept;
}

double rounded_points(double points) { return std::round(points * 1e9) / 1e9; }

}  // namespace flatenn
