#include "flatenn/campaign/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "flatenn/campaign/single_bit.h"
#include "flatenn/stats/confidence_sequence.h"

namespace flatenn {
namespace {

using TrialKey = std::tuple<FaultKind, double, std::uint64_t>;

std::set<TrialKey> keys(const std::vector<Trial>& trials) {
  std::set<TrialKey> keys;
  for (const Trial& trial : trials) keys.emplace(trial.kind, trial.rate, trial.map);
  return keys;
}

/// Number of the cell (kind, rate) over the whole campaign.
std::uint64_t cell_number(const PlanInput& input, std::size_t kind, std::size_t rate) {
  const std::size_t rates = trial_rates(input.settings).size();
  return (input.number * input.settings.kinds.size() + kind) * rates + rate;
}

/// Adds `unit`, if anything of it is left to do, and counts.
void add_unit(const PlanInput& input, const std::set<TrialKey>& done, std::uint64_t map,
              double rate, Plan& plan) {
  WorkUnit unit{map, rate, {}};
  for (const FaultKind kind : input.settings.kinds) {
    plan.expected += 1;
    if (done.contains({kind, rate, map})) {
      plan.stored += 1;
    } else {
      unit.kinds.push_back(kind);
    }
  }
  if (!unit.kinds.empty()) plan.work.push_back(std::move(unit));
}

// ---- fixed numbers of maps

Plan plan_fixed(const PlanInput& input, const MapRange& window, const std::vector<Trial>& stored) {
  const std::vector<double> rates = trial_rates(input.settings);
  const std::set<TrialKey> done = keys(stored);
  Plan plan;
  for (std::uint64_t map = window.first; map < window.last; ++map) {
    for (std::size_t r = 0; r < rates.size(); ++r) {
      const std::uint64_t trial = (map - input.settings.first_map) * rates.size() + r;
      if (input.shard.owns(trial + input.number)) add_unit(input, done, map, rates[r], plan);
    }
  }
  return plan;
}

// ---- sequential

/// The trials of one cell with ids first_map, first_map + 1, ... up to the first gap.
std::vector<Trial> contiguous(const PlanInput& input, const std::vector<Trial>& stored,
                              FaultKind kind, double rate) {
  std::vector<Trial> prefix;
  for (const Trial& trial : stored) {
    if (trial.kind != kind || trial.rate != rate) continue;
    if (trial.map == input.settings.first_map + prefix.size()) prefix.push_back(trial);
  }
  return prefix;
}

/// What one cell of a sequential campaign needs.
struct CellNeed {
  std::uint64_t maps = 0;  ///< the look to come, or the count at which it stopped
  bool decided = false;
  double expected = 0;  ///< maps in all
};

CellNeed need_of(const PlanInput& input, const std::vector<Trial>& prefix) {
  const CampaignSettings& settings = input.settings;
  std::vector<double> accuracies;
  for (const Trial& trial : prefix) {
    accuracies.push_back(100.0 * static_cast<double>(trial.correct) /
                         static_cast<double>(input.images));
  }
  const auto most = static_cast<double>(settings.max_maps);
  CellNeed need{0, false, most};
  for (;;) {
    need.maps = std::min(next_look(need.maps), settings.max_maps);
    if (accuracies.size() < need.maps) return need;
    const Interval interval = confidence_sequence(std::span(accuracies).first(need.maps), 0, 100);
    const auto maps = static_cast<double>(need.maps);
    // The width falls about as the root of the number of maps.
    const double ratio = (interval.hi - interval.lo) / 2 / settings.until;
    need.expected = std::clamp(maps * ratio * ratio, maps, most);
    need.decided = decided(interval, settings.until) || need.maps == settings.max_maps;
    if (need.decided) {
      need.expected = maps;
      return need;
    }
  }
}

Plan plan_sequential(const PlanInput& input, const std::vector<Trial>& stored) {
  const CampaignSettings& settings = input.settings;
  const std::vector<double> rates = trial_rates(settings);
  std::map<std::pair<std::uint64_t, std::size_t>, std::vector<FaultKind>> missing;
  Plan plan;
  for (std::size_t k = 0; k < settings.kinds.size(); ++k) {
    for (std::size_t r = 0; r < rates.size(); ++r) {
      if (!input.shard.owns(cell_number(input, k, r))) continue;
      const std::vector<Trial> prefix = contiguous(input, stored, settings.kinds[k], rates[r]);
      const CellNeed need = need_of(input, prefix);
      plan.expected += need.expected;
      plan.stored += static_cast<double>(std::min<std::size_t>(prefix.size(), need.maps));
      for (std::uint64_t i = prefix.size(); i < need.maps; ++i) {
        missing[{settings.first_map + i, r}].push_back(settings.kinds[k]);
      }
    }
  }
  // Trials beyond a gap, as merged parts of a fixed campaign leave them, are there already.
  const std::set<TrialKey> done = keys(stored);
  for (auto& [place, kinds] : missing) {
    const auto [map, r] = place;
    std::erase_if(kinds, [&, map = map, rate = rates[r]](FaultKind kind) {
      return done.contains({kind, rate, map});
    });
    if (!kinds.empty()) plan.work.push_back({map, rates[r], std::move(kinds)});
  }
  return plan;
}

// ---- single bits

/// Every exposed cell of the window. Addresses are mixed before parts are told apart: every fourth
/// address may be the same bit position.
Plan plan_every_bit(const PlanInput& input, const MapRange& window,
                    const std::vector<Trial>& stored) {
  const std::set<TrialKey> done = keys(stored);
  Plan plan;
  for_each_cell(input.exposure, window.first, window.last, [&](std::uint64_t address) {
    const std::uint64_t mixed = address * 0x9e3779b97f4a7c15u >> 32;
    if (input.shard.owns(mixed)) add_unit(input, done, address, 0, plan);
  });
  return plan;
}

Plan plan_sampled_bits(const PlanInput& input, const std::vector<Trial>& stored) {
  const CampaignSettings& settings = input.settings;
  const std::vector<BitStratum> strata = bit_strata(input.memory, input.exposure);
  std::map<std::uint64_t, std::vector<FaultKind>> missing;
  Plan plan;
  for (std::size_t k = 0; k < settings.kinds.size(); ++k) {
    if (!input.shard.owns(cell_number(input, k, 0))) continue;
    const BitSample sample = next_bit_sample({settings.seed, strata, input.memory, settings.sample},
                                             settings.kinds[k], stored);
    plan.expected += sample.expected;
    plan.stored += sample.stored;
    for (const std::uint64_t address : sample.missing)
      missing[address].push_back(settings.kinds[k]);
  }
  for (auto& [address, kinds] : missing) plan.work.push_back({address, 0, std::move(kinds)});
  return plan;
}

bool every_bit(const CampaignSettings& settings) {
  return settings.single_bit() && settings.sample == 0;
}

/// Trials of the round that keeps memory small.
constexpr std::uint64_t kTrialsAWindow = 100'000;

}  // namespace

std::vector<MapRange> plan_windows(const PlanInput& input) {
  const CampaignSettings& settings = input.settings;
  MapRange all{settings.first_map, settings.first_map + settings.maps};
  if (settings.single_bit()) all = {0, input.memory.bits()};
  if (settings.sequential()) all.last = settings.first_map + settings.max_maps;
  const bool as_a_whole = settings.sequential() || (settings.single_bit() && settings.sample > 0);
  const std::uint64_t trials_a_map = settings.kinds.size() * trial_rates(settings).size();
  const std::uint64_t step =
      as_a_whole ? all.last - all.first : std::max<std::uint64_t>(1, kTrialsAWindow / trials_a_map);
  std::vector<MapRange> windows;
  for (std::uint64_t first = all.first; first < all.last; first += step) {
    windows.push_back({first, std::min(first + step, all.last)});
  }
  return windows;
}

Plan plan_work(const PlanInput& input, const MapRange& window, const std::vector<Trial>& stored) {
  const CampaignSettings& settings = input.settings;
  if (settings.sequential()) return plan_sequential(input, stored);
  if (every_bit(settings)) return plan_every_bit(input, window, stored);
  if (settings.single_bit()) return plan_sampled_bits(input, stored);
  return plan_fixed(input, window, stored);
}

std::size_t count_trials(const std::vector<WorkUnit>& work) {
  std::size_t trials = 0;
  for (const WorkUnit& unit : work) trials += unit.kinds.size();
  return trials;
}

}  // namespace flatenn
