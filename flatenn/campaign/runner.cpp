#include "flatenn/campaign/runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Images between two looks at the stop token: whole blocks of 16 for the integer evaluator and one
/// batch for libtorch.
constexpr std::size_t kImagesBetweenLooks = 240;
/// A killed process loses at most the trials of this time.
constexpr std::chrono::milliseconds kCommitInterval{200};

/// Trial::right of these classes.
std::vector<std::uint8_t> right_images(std::span<const std::uint8_t> classes,
                                       std::span<const std::uint8_t> labels) {
  std::vector<std::uint8_t> right((classes.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == labels[i]) right[i / 8] |= static_cast<std::uint8_t>(1u << i % 8);
  }
  return right;
}

/// One thread's own network and memory.
class TrialRunner {
 public:
  explicit TrialRunner(const TrialSetup& setup)
      : setup_(setup),
        evaluator_(setup.evaluator->clone()),
        memory_(setup.network->memory()),
        classes_(setup.images->size()) {}

  /// Calls `done` for every finished trial; false when stopped.
  bool run(const WorkUnit& unit, const std::stop_token& stop,
           const std::function<void(Trial)>& done) {
    draw_faults(setup_.source, setup_.seed, unit.map, memory_.bits(), unit.rate, faults_);
    for (const FaultKind kind : unit.kinds) {
      memory_.apply(faults_, kind, applied_);
      if (applied_.changed.empty() && applied_.buffers.empty()) {
        std::ranges::copy(
            setup_.clean,
            classes_.begin());  // stuck cells that hold what they should, or faults mended
      } else {
        write_faults(*evaluator_, applied_);
        if (!classify_until(*evaluator_, classes_, stop)) return false;
      }
      Trial trial = result(kind, unit);  // before undo() forgets what was changed
      memory_.undo(applied_);
      write_faults(*evaluator_, applied_);
      done(std::move(trial));
    }
    return true;
  }

 private:
  /// Of the faults last applied and the classes last computed.
  Trial result(FaultKind kind, const WorkUnit& unit) const {
    const std::vector<std::uint8_t>& labels = setup_.images->labels;
    Trial trial{kind, unit.rate, unit.map, 0, applied_.faulty_bits, applied_.changed_bits};
    trial.correct = count_equal(classes_, labels);
    trial.answers_changed = classes_.size() - count_equal(classes_, setup_.clean);
    if (setup_.per_image) trial.right = right_images(classes_, labels);
    return trial;
  }

  const TrialSetup& setup_;
  std::unique_ptr<Evaluator> evaluator_;
  ProtectedMemory memory_;
  std::vector<std::uint8_t> classes_;
  std::vector<Fault> faults_;
  AppliedFaults applied_;
};

/// What the threads share with the one that commits.
class Exchange {
 public:
  void put(Trial trial) {
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::move(trial));
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
    const auto done = [&](Trial trial) { exchange.put(std::move(trial)); };
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

bool classify_until(Evaluator& evaluator, std::span<std::uint8_t> classes,
                    const std::stop_token& stop) {
  for (std::size_t first = 0; first < classes.size(); first += kImagesBetweenLooks) {
    if (stop.stop_requested()) return false;
    const std::size_t count = std::min(kImagesBetweenLooks, classes.size() - first);
    evaluator.classify(first, count, classes.subspan(first, count));
  }
  return true;
}

std::uint64_t count_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  FLATENN_ASSERT(a.size() == b.size());
  std::uint64_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
  return equal;
}

void run_trials(const TrialSetup& setup, const std::vector<WorkUnit>& work, int threads,
                std::stop_token stop,
                const std::function<void(const std::vector<Trial>&)>& commit) {
  FLATENN_ASSERT(setup.clean.size() == setup.images->size());
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
