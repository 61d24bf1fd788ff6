// Signals: Ctrl-C and SIGTERM as a request to stop, taken by a thread that waits for them.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace flatenn::cli {

/// While it lives, SIGINT and SIGTERM request a stop; a second one ends the program at once with
/// code 130 (files are written atomically, so nothing is left half-written). Construct before any
/// other thread starts: threads inherit the blocked signals.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  void wait();

  std::stop_source source_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace flatenn::cli
