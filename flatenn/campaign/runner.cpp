#include "flatenn/campaign/runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace flatenn {
namespace {

/// Images between two looks at the stop token: whole blocks of 16 for the integer evaluator and one
/// batch for libtorch.
constexpr std::size_t kImagesBetweenLooks = 240;
/// A killed process loses at most the trials of this time.
constexpr std::chrono::milliseconds kCommitInterval{200};

/// One thread's own network and memory.
class TrialRunner {
 public:
  explicit TrialRunner(const TrialSetup& setup)
      : setup_(setup), evaluator_(setup.evaluator->clone()), memory_(*setup.model) {}

  /// Calls `done` for every finished trial; false when stopped.
  bool run(const WorkUnit& unit, const std::stop_token& stop,
           const std::function<void(const Trial&)>& done) {
    draw_fault_map(setup_.seed, unit.map, memory_.bits(), unit.rate, faults_);
    for (const FaultKind kind : unit.kinds) {
      memory_.apply(faults_, kind, setup_.exposure, applied_);
      Trial trial{kind, unit.rate, unit.map, 0, applied_.faulty_bits, applied_.changed.size()};
      evaluator_->write(applied_.writes);
      const auto correct = count_correct_until(*evaluator_, *setup_.images, stop);
      if (!correct) return false;
      memory_.undo(applied_);
      evaluator_->write(applied_.writes);
      trial.correct = *correct;
      done(trial);
    }
    return true;
  }

 private:
  const TrialSetup& setup_;
  std::unique_ptr<Evaluator> evaluator_;
  MemoryImage memory_;
  std::vector<Fault> faults_;
  AppliedFaults applied_;
};

/// What the threads share with the one that commits.
class Exchange {
 public:
  void put(const Trial& trial) {
    const std::lock_guard lock(mutex_);
    finished_.push_back(trial);
  }
  void leave(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = error;
    --running_;
    changed_.notify_one();
  }
  void join(int threads) { running_ = threads; }
  /// Waits for the interval or the end, then takes what is finished. False at the end.
  bool take(std::vector<Trial>& trials) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kCommitInterval, [this] { return running_ == 0; });
    trials.clear();
    trials.swap(finished_);
    return running_ > 0;
  }
  std::exception_ptr error() const { return error_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Trial> finished_;
  std::exception_ptr error_;
  int running_ = 0;
};

void work_through(const TrialSetup& setup, const std::vector<WorkUnit>& work,
                  std::atomic<std::size_t>& next, std::stop_source& stop, Exchange& exchange) {
  std::exception_ptr error;
  try {
    TrialRunner runner(setup);
    const auto done = [&](const Trial& trial) { exchange.put(trial); };
    for (std::size_t i = next++; i < work.size() && !stop.stop_requested(); i = next++) {
      if (!runner.run(work[i], stop.get_token(), done)) break;
    }
  } catch (...) {
    error = std::current_exception();
    stop.request_stop();
  }
  exchange.leave(error);
}

}  // namespace

std::optional<std::uint64_t> count_correct_until(Evaluator& evaluator, const Dataset& images,
                                                 std::stop_token stop) {
  std::uint64_t correct = 0;
  for (std::size_t first = 0; first < images.size(); first += kImagesBetweenLooks) {
    if (stop.stop_requested()) return std::nullopt;
    const std::size_t count = std::min(kImagesBetweenLooks, images.size() - first);
    correct += count_correct(evaluator, images, first, count);
  }
  return correct;
}

void run_trials(const TrialSetup& setup, const std::vector<WorkUnit>& work, int threads,
                std::stop_token stop,
                const std::function<void(const std::vector<Trial>&)>& commit) {
  const int count =
      static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), work.size()));
  std::stop_source own_stop;
  const std::stop_callback forward(stop, [&] { own_stop.request_stop(); });
  std::atomic<std::size_t> next = 0;
  Exchange exchange;
  exchange.join(count);
  std::vector<std::jthread> pool;
  const auto end_work = [&] { own_stop.request_stop(); };
  try {
    for (int i = 0; i < count; ++i) {
      pool.emplace_back([&] { work_through(setup, work, next, own_stop, exchange); });
    }
    std::vector<Trial> trials;
    for (bool more = true; more;) {
      more = exchange.take(trials);
      if (!trials.empty()) commit(trials);
    }
  } catch (...) {
    end_work();
    throw;  // the threads join on the way out
  }
  if (exchange.error()) std::rethrow_exception(exchange.error());
}

}  // namespace flatenn
