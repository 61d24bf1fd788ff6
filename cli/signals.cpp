#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace flatenn::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopOnSignal::StopOnSignal() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { wait(); });
}

StopOnSignal::~StopOnSignal() {
  over_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);  // wakes the waiting thread
  thread_.join();
}

void StopOnSignal::wait() {
  const sigset_t set = stop_signals();
  for (int signal = 0; sigwait(&set, &signal) == 0 && !over_;) {
    if (!source_.request_stop()) _exit(130);
  }
}

}  // namespace flatenn::cli
