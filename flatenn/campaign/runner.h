// Runner: trials of one network on several threads, results handed over in batches.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "flatenn/campaign/exposed_network.h"
#include "flatenn/campaign/plan.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// What the trials of one network need.
struct TrialSetup {
  const ExposedNetwork* network = nullptr;
  const Dataset* images = nullptr;
  const Evaluator* evaluator = nullptr;  ///< cloned for every thread
  std::uint64_t seed = 0;
  FaultSource source = {};
  /// The network's classes without faults, one an image; outlives the trials.
  std::span<const std::uint8_t> clean = {};
  bool per_image = false;  ///< fill Trial::right
};

/// Classes of the evaluator's first classes.size() images; false when stopped midway.
bool classify_until(Evaluator& evaluator, std::span<std::uint8_t> classes,
                    const std::stop_token& stop);

/// Number of places at which the two agree; equal sizes.
std::uint64_t count_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

/// Works through `work` on `threads` threads. `commit` receives every finished trial exactly once,
/// on the calling thread, several times a second; a trial that a stop cut short is dropped. Returns
/// when all is done or stopped. What `commit` or a trial throws ends the work and is rethrown.
void run_trials(const TrialSetup& setup, const std::vector<WorkUnit>& work, int threads,
                std::stop_token stop, const std::function<void(const std::vector<Trial>&)>& commit);

}  // namespace flatenn
