#include "flatenn/campaign/subject_run.h"

#include <algorithm>
#include <thread>

#include "flatenn/base/error.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"

namespace flatenn {

SubjectRun::SubjectRun(const CampaignSettings& settings, FaultSource source,
                       const CampaignModel& model, const Dataset& images, const Context& context)
    : settings_(settings),
      source_(std::move(source)),
      model_(model),
      images_(images),
      context_(context),
      memory_(*model.model, exposed_parts(settings)),
      exposure_(expose_cells(memory_, settings.exposed, campaign_protection(settings)).data) {}

std::span<const std::uint8_t> SubjectRun::clean() {
  if (clean_.empty()) {
    clean_.resize(images_.size());
    classify_until(evaluator(), clean_, context_.stop);
    throw_if_stopped(context_);
  }
  return clean_;
}

void SubjectRun::work(const std::vector<WorkUnit>& units, int threads,
                      const std::function<void(const std::vector<Trial>&)>& commit) {
  for (const auto& [tensor, part] : by_first_tensor(units)) {
    keep_before(tensor, count_trials(part), threads);
    const TrialSetup setup{&*network_, &images_, &evaluator(),       settings_.seed,
                           source_,    clean(),  settings_.per_image};
    run_trials(setup, part, threads, context_.stop, commit);
    throw_if_stopped(context_);
  }
}

/// Made when there is work: what is already stored needs no memory image and no images prepared.
Evaluator& SubjectRun::evaluator() {
  if (!evaluator_) {
    network_.emplace(settings_, *model_.model);
    evaluator_ = make_evaluator(settings_.engine, network_->model(), images_, memory_.parts());
  }
  return *evaluator_;
}

/// Biases and buffers of any layer may change: nothing before them can be kept.
bool SubjectRun::keeps_prefix() const {
  return settings_.keep_prefix && memory_.parts() == MemoryParts{};
}

/// Keeping costs about a pass over the images, while all threads wait for it.
void SubjectRun::keep_before(int tensor, std::size_t trials, int threads) {
  const bool pays = keeps_prefix() && trials > static_cast<std::size_t>(threads);
  const int before = pays ? tensor : 0;
  if (before == kept_before_) return;
  evaluator().keep_before(before);
  kept_before_ = before;
}

/// Parts of the work with the first weight tensor that their faults can touch: single cells lie
/// in one tensor each, everything else may begin with the first exposed one.
std::vector<std::pair<int, std::vector<WorkUnit>>> SubjectRun::by_first_tensor(
    const std::vector<WorkUnit>& units) const {
  if (!keeps_prefix()) return {{0, units}};
  std::vector<std::pair<int, std::vector<WorkUnit>>> parts;
  for (const WorkUnit& unit : units) {
    const std::uint64_t first = settings_.single_bit() ? unit.map : exposure_.ranges.front().first;
    const int tensor = memory_.cell(first).tensor;
    if (parts.empty() || parts.back().first != tensor) parts.push_back({tensor, {}});
    parts.back().second.push_back(unit);
  }
  return parts;
}

int thread_count(const CampaignSettings& settings, const Shard& shard) {
  if (settings.threads != 0) return settings.threads;
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, processors / shard.neighbours);
}

}  // namespace flatenn
