#include "flatenn/base/jobs.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// What went wrong first. A mistake counts more than the interruptions that follow from it.
class FirstFailure {
 public:
  void add(std::exception_ptr failure, bool interruption) {
    const std::lock_guard lock(mutex_);
    if (failure_ == nullptr || (interruption_ && !interruption)) {
      failure_ = std::move(failure);
      interruption_ = interruption;
    }
  }
  void rethrow() const {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  bool interruption_ = false;
};

}  // namespace

void run_jobs(const std::vector<std::function<void(const Context&)>>& jobs, int parallel,
              const Context& context) {
  FLATENN_ASSERT(parallel >= 1);
  std::stop_source stop;
  const std::stop_callback pass_on(context.stop, [&] { stop.request_stop(); });
  const Context inner{context.events, stop.get_token()};
  FirstFailure failure;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      try {
        throw_if_stopped(inner);
        jobs[i](inner);
      } catch (const Interrupted&) {
        failure.add(std::current_exception(), true);
      } catch (...) {
        failure.add(std::current_exception(), false);
        stop.request_stop();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min(jobs.size(), static_cast<std::size_t>(parallel));
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
  }
  failure.rethrow();
}

}  // namespace flatenn
