// Plan: which trials a campaign needs next. A pure function of the settings and of what is stored,
// so a campaign that was interrupted, or ran on other threads or machines, goes on as if nothing
// had happened.
#pragma once

#include <cstdint>
#include <vector>

#include "flatenn/campaign/settings.h"
#include "flatenn/campaign/shard.h"
#include "flatenn/campaign/store.h"
#include "flatenn/memory/layout.h"

namespace flatenn {

/// Trials that share one fault map: drawn once, used for every kind.
struct WorkUnit {
  std::uint64_t map = 0;
  double rate = 0;
  std::vector<FaultKind> kinds;
  bool operator==(const WorkUnit&) const = default;
};

/// What the plan of one subject depends on.
struct PlanInput {
  const CampaignSettings& settings;
  const MemoryLayout& memory;
  const Exposure& exposure;
  std::uint64_t images = 0;
  std::uint64_t number = 0;  ///< of the subject in the campaign
  Shard shard = {};
};

/// The ranges of map ids (for single cells: addresses) in which a subject is worked through, one
/// after the other, so that memory does not grow with the number of maps; one for campaigns whose
/// plan depends on all of their trials.
std::vector<MapRange> plan_windows(const PlanInput& input);

struct Plan {
  std::vector<WorkUnit> work;  ///< nothing: the window is complete
  double stored = 0;           ///< trials there already that this campaign asks for
  double expected = 0;         ///< trials in all as far as can be told
};

/// The next round of work in a window, given the subject's stored trials in it, ordered by kind,
/// rate, map.
///
/// Fixed numbers of maps and all single bits: one round with everything missing, all rates of a map
/// before the next map, so that an interrupted campaign has measured every rate about equally
/// often; parts share the work by trial. Sequential campaigns: every undecided cell up to its next
/// look (next_look); sampled single bits: a pilot, then what it says (single_bit.h). There a part
/// works on whole cells (kind, rate), because what a cell needs next depends on all of its trials.
Plan plan_work(const PlanInput& input, const MapRange& window, const std::vector<Trial>& stored);

/// Number of trials in `work`.
std::size_t count_trials(const std::vector<WorkUnit>& work);

}  // namespace flatenn
