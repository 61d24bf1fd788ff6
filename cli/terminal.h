// Terminal: progress and notes as a person reads them. A bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "flatenn/base/events.h"

namespace flatenn::cli {

/// "1:05", "2:03:04"; "--:--" for a negative or absurd number.
std::string format_duration(double seconds);

/// One line of progress: task, bar, percentage, rate, time left, note, at most `width` columns.
/// `rate` in units a second, 0 while unknown.
std::string render_progress(const Progress& progress, double rate, int width);

/// Events on a stream. On a terminal every running task keeps one line that is redrawn at most ten
/// times a second; elsewhere a task writes a plain line at most every ten seconds. Locks: calls may
/// come from any thread.
class Terminal : public Events {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::FILE* stream = stderr;
    bool bars = false;  ///< the stream is a terminal
    int width = 80;     ///< columns
    std::function<Clock::time_point()> now = Clock::now;
  };

  explicit Terminal(Options options);
  ~Terminal() override;
  /// Takes the bars off the screen.
  void close();
  void progress(const Progress& progress) override;
  void finished(std::string_view task) override;
  void note(std::string_view line) override;
  void warning(std::string_view line) override;

 private:
  struct Task {
    Progress latest;
    double first_done = 0;  ///< work that an earlier run left behind does not count for the rate
    Clock::time_point started;
    Clock::time_point printed;
  };

  void erase_bars();
  void draw_bars();
  void write_line(std::string_view line);
  double rate(const Task& task) const;

  std::mutex mutex_;
  Options options_;
  std::map<std::string, Task, std::less<>> tasks_;
  int drawn_ = 0;  ///< bar lines now on the screen
  Clock::time_point drawn_at_;
};

/// A Terminal for standard error as it is: bars and its width when a person watches.
Terminal::Options standard_error_options();

}  // namespace flatenn::cli
