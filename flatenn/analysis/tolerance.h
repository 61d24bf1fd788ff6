// Tolerance: the highest fault rate at which a network loses no more than so many points.
#pragma once

#include <string_view>
#include <vector>

#include "flatenn/analysis/tolerance_search.h"
#include "flatenn/base/events.h"
#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/rule.h"

namespace flatenn {

struct ToleranceSettings {
  double loss = 1;           ///< points below the network's own clean accuracy
  double confidence = 0.95;  ///< that everything shown of one network and kind is true
};

/// The rates of a search that names none: from 1e-5 to 0.5, neighbours no further apart than by the
/// factor `resolution`. Throws Error unless 1.001 <= resolution <= 10.
std::vector<double> tolerance_rates(double resolution = 1.1);

struct KindTolerance {
  FaultKind kind = FaultKind::flip;
  ToleranceAnswer answer;
};

struct ModelTolerance {
  Subject subject;  ///< with clean_correct
  std::vector<KindTolerance> kinds;
};

/// Throws Error for what measure_tolerance would refuse before it evaluates a network:
/// check_campaign; loss, confidence; rates that are 0; sweeps, sources without a rate, `until` and
/// `sample`.
void check_tolerance(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                     const std::vector<CampaignModel>& models, const Dataset& data);

/// Throws Error when the clean accuracy of one of the networks leaves the question without an
/// answer (check_answerable). Evaluates without faults what `store` does not know, and stores
/// nothing. Precondition: check_tolerance passed.
void check_networks(const ToleranceSettings& tolerance, const CampaignSettings& settings,
                    const std::vector<CampaignModel>& models, const Dataset& data,
                    std::string_view split, Store* store,
                    const Context& context = default_context());

/// Of the campaign's settings, `rates` (in any order) are what is searched among, maps
/// first_map, first_map + 1, ... at most max_maps at a rate; `maps` has no say. One search a kind:
/// search_tolerance; kinds that need the same map at the same rate share its drawing. Trials are
/// those of a campaign: taken from `store` and put there, nullptr: kept in memory. The answer does
/// not depend on threads, interruptions or on what else the store holds. Reports the task
/// "tolerance LABEL" in trials, with the bracket of every kind. Throws Error as check_tolerance
/// and check_networks do, before the first trial; Interrupted with everything finished stored.
std::vector<ModelTolerance> measure_tolerance(const ToleranceSettings& tolerance,
                                              const CampaignSettings& settings,
                                              const std::vector<CampaignModel>& models,
                                              const Dataset& data, std::string_view split,
                                              Store* store,
                                              const Context& context = default_context());

}  // namespace flatenn
