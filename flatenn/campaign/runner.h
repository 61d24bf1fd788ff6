// Runner: trials of one network on several threads, results handed over in batches.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "flatenn/campaign/plan.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// What the trials of one network need.
struct TrialSetup {
  const Model* model = nullptr;
  const Dataset* images = nullptr;
  const Evaluator* evaluator = nullptr;  ///< cloned for every thread
  std::uint64_t seed = 0;
  Exposure exposure;
};

/// Number of images answered as labelled, or nothing when stopped midway.
std::optional<std::uint64_t> count_correct_until(Evaluator& evaluator, const Dataset& images,
                                                 std::stop_token stop);

/// Works through `work` on `threads` threads. `commit` receives every finished trial exactly once,
/// on the calling thread, several times a second; a trial that a stop cut short is dropped. Returns
/// when all is done or stopped. What `commit` or a trial throws ends the work and is rethrown.
void run_trials(const TrialSetup& setup, const std::vector<WorkUnit>& work, int threads,
                std::stop_token stop, const std::function<void(const std::vector<Trial>&)>& commit);

}  // namespace flatenn
