#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace flatenn::cli {
namespace {

using std::chrono::duration;
constexpr double kBarInterval = 0.1;    // seconds between redraws
constexpr double kLineInterval = 10.0;  // seconds between plain lines
constexpr int kBarColumns = 20;

double seconds_between(Terminal::Clock::time_point from, Terminal::Clock::time_point to) {
  return duration<double>(to - from).count();
}

std::string bar(double fraction) {
  const int filled = std::clamp(static_cast<int>(fraction * kBarColumns), 0, kBarColumns);
  return fmt::format("[{:#<{}}{:.<{}}]", "", filled, "", kBarColumns - filled);
}

std::string short_number(double value) {
  return value < 1e4 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value);
}

}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e7) return "--:--";
  const long total = std::lround(seconds);
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string render_progress(const Progress& progress, double rate, int width) {
  std::string line = progress.task;
  if (progress.total > 0) {
    const double fraction = progress.done / progress.total;
    line += fmt::format(" {} {:3.0f} % {:.0f}/{:.0f} {}", bar(fraction), 100 * fraction,
                        progress.done, progress.total, progress.unit);
  } else {
    line += fmt::format(" {:.0f} {}", progress.done, progress.unit);
  }
  if (rate > 0) {
    line += fmt::format(", {}/s", short_number(rate));
    if (progress.total > 0) {
      line += ", left " + format_duration((progress.total - progress.done) / rate);
    }
  }
  if (!progress.note.empty()) line += ", " + progress.note;
  if (width > 0 && line.size() > static_cast<std::size_t>(width)) line.resize(width);
  return line;
}

Terminal::Terminal(Options options) : options_(std::move(options)) {}

Terminal::~Terminal() { close(); }

void Terminal::close() {
  const std::lock_guard lock(mutex_);
  erase_bars();
  tasks_.clear();
}

void Terminal::progress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  const auto now = options_.now();
  auto [entry, is_new] = tasks_.try_emplace(progress.task);
  Task& task = entry->second;
  if (is_new) {
    task.started = now;
    task.first_done = progress.done;
  }
  task.latest = progress;
  if (options_.bars) {
    if (is_new || seconds_between(drawn_at_, now) >= kBarInterval) {
      erase_bars();
      draw_bars();
    }
  } else if (!is_new &&
             seconds_between(std::max(task.printed, task.started), now) >= kLineInterval) {
    task.printed = now;
    write_line(render_progress(progress, rate(task), 0));
  }
}

void Terminal::finished(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto entry = tasks_.find(name);
  if (entry == tasks_.end()) return;
  erase_bars();
  const Task& task = entry->second;
  write_line(fmt::format("{}: {:.0f} {} in {}{}{}", name, task.latest.done, task.latest.unit,
                         format_duration(seconds_between(task.started, options_.now())),
                         task.latest.note.empty() ? "" : ", ", task.latest.note));
  tasks_.erase(entry);
  draw_bars();
}

void Terminal::note(std::string_view line) {
  const std::lock_guard lock(mutex_);
  erase_bars();
  write_line(line);
  draw_bars();
}

void Terminal::warning(std::string_view line) { note(fmt::format("warning: {}", line)); }

double Terminal::rate(const Task& task) const {
  const double seconds = seconds_between(task.started, options_.now());
  const double done = task.latest.done - task.first_done;
  return seconds > 0 && done > 0 ? done / seconds : 0;
}

void Terminal::erase_bars() {
  for (; drawn_ > 0; --drawn_) fmt::print(options_.stream, "\x1b[1A\x1b[2K");
  std::fflush(options_.stream);
}

void Terminal::draw_bars() {
  if (!options_.bars) return;
  for (const auto& [name, task] : tasks_) {
    // One column stays free: a full line would wrap and could not be erased.
    write_line(render_progress(task.latest, rate(task), options_.width - 1));
    ++drawn_;
  }
  drawn_at_ = options_.now();
}

void Terminal::write_line(std::string_view line) {
  fmt::print(options_.stream, "{}\n", line);
  std::fflush(options_.stream);
}

Terminal::Options standard_error_options() {
  Terminal::Options options;
  const char* kind = std::getenv("TERM");
  options.bars = isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) options.width = size.ws_col;
  return options;
}

}  // namespace flatenn::cli
