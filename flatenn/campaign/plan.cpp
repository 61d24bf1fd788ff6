#include "flatenn/campaign/plan.h"

#include <set>
#include <tuple>

namespace flatenn {

std::vector<WorkUnit> missing_work(const CampaignSettings& settings,
                                   const std::vector<Trial>& stored) {
  std::set<std::tuple<FaultKind, double, std::uint64_t>> done;
  for (const Trial& trial : stored) done.emplace(trial.kind, trial.rate, trial.map);
  std::vector<WorkUnit> work;
  for (std::uint64_t i = 0; i < settings.maps; ++i) {
    const std::uint64_t map = settings.first_map + i;
    for (const double rate : settings.rates) {
      WorkUnit unit{map, rate, {}};
      for (const FaultKind kind : settings.kinds) {
        if (!done.contains({kind, rate, map})) unit.kinds.push_back(kind);
      }
      if (!unit.kinds.empty()) work.push_back(std::move(unit));
    }
  }
  return work;
}

std::size_t count_trials(const std::vector<WorkUnit>& work) {
  std::size_t trials = 0;
  for (const WorkUnit& unit : work) trials += unit.kinds.size();
  return trials;
}

}  // namespace flatenn
