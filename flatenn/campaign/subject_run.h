// SubjectRun: measures trials of one subject, whatever decides which; holds its network, images,
// evaluator and answers without faults meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/campaign/plan.h"
#include "flatenn/memory/layout.h"

namespace flatenn {

class SubjectRun {
 public:
  /// All but `source` must outlive it. Precondition: the settings do not sweep.
  SubjectRun(const CampaignSettings& settings, FaultSource source, const CampaignModel& model,
             const Dataset& images, const Context& context);

  PlanInput plan_input(std::uint64_t number, const Shard& shard) const {
    return {settings_, memory_, exposure_, images_.size(), number, shard};
  }

  /// Classes without faults, one an image; computed at the first call. Throws Interrupted.
  std::span<const std::uint8_t> clean();
  void set_clean(std::span<const std::uint8_t> classes) {
    clean_.assign(classes.begin(), classes.end());
  }

  /// Throws Interrupted when stopped before all is done.
  void work(const std::vector<WorkUnit>& units, int threads,
            const std::function<void(const std::vector<Trial>&)>& commit);

 private:
  Evaluator& evaluator();
  bool keeps_prefix() const;
  void keep_before(int tensor, std::size_t trials, int threads);
  std::vector<std::pair<int, std::vector<WorkUnit>>> by_first_tensor(
      const std::vector<WorkUnit>& units) const;

  const CampaignSettings& settings_;
  const FaultSource source_;
  const CampaignModel& model_;
  const Dataset& images_;
  const Context& context_;
  const MemoryLayout memory_;
  const Exposure exposure_;
  std::optional<ExposedNetwork> network_;
  std::unique_ptr<Evaluator> evaluator_;
  int kept_before_ = 0;
  std::vector<std::uint8_t> clean_;
};

/// Threads that the settings ask for in this process; shares the machine with its neighbours.
int thread_count(const CampaignSettings& settings, const Shard& shard);

}  // namespace flatenn
