// Plan: which trials a campaign still needs.
#pragma once

#include <vector>

#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/store.h"

namespace flatenn {

/// Trials that share one fault map: drawn once, used for every kind.
struct WorkUnit {
  std::uint64_t map = 0;
  double rate = 0;
  std::vector<FaultKind> kinds;
  bool operator==(const WorkUnit&) const = default;
};

/// kinds x rates x maps of the settings without `stored`; all rates of a map before the next map,
/// so that an interrupted campaign has measured every rate about equally often.
std::vector<WorkUnit> missing_work(const CampaignSettings& settings,
                                   const std::vector<Trial>& stored);

/// Number of trials in `work`.
std::size_t count_trials(const std::vector<WorkUnit>& work);

}  // namespace flatenn
