// What long work tells its caller. The library never prints: the command line (or a test) decides.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

namespace flatenn {

/// Progress of one task. `done` of `total` in the task's own unit; total 0 when unknown.
struct Progress {
  std::string task;  ///< for example "train sparse-saq seed 0"
  std::string unit;  ///< "steps", "trials"
  double done = 0;
  double total = 0;
  std::string note;  ///< short free text: loss, accuracy, worst cell
};

/// Receiver of events; the default ignores everything. Calls may come from several threads at once:
/// implementations lock.
class Events {
 public:
  virtual ~Events() = default;
  virtual void progress(const Progress&) {}
  /// A task named in progress() is over; its bar may go.
  virtual void finished(std::string_view /*task*/) {}
  /// One line the user should see in any case (no line break).
  virtual void note(std::string_view /*line*/) {}
  virtual void warning(std::string_view /*line*/) {}
  /// One JSON object as text, for machine-readable logs.
  virtual void record(std::string_view /*json*/) {}
};

/// What long-running functions take last: where events go and how they are asked to stop.
struct Context {
  Events* events = nullptr;  ///< never null after construction by default_context()
  std::stop_token stop;
};

/// Ignores events, never stops.
Context default_context();

/// Throws Interrupted when a stop was requested.
void throw_if_stopped(const Context& context);

}  // namespace flatenn
