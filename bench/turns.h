// Sides of a comparison that take turns, in processor time: neighbours on a shared machine disturb
// no side more than the other.
#pragma once

#include <algorithm>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace flatenn {

/// Of the whole process: a library that starts threads of its own gains nothing.
inline double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// One side of the comparison: does some work and tells how much.
struct Side {
  std::string name;
  std::function<double()> work;
  double best = 0;    ///< units of work a second, the best call
  double used = 0;    ///< processor seconds so far
  bool once = false;  ///< far too slow to take turns
};

/// Every side works for `seconds` a turn and drops out once it has used `most` seconds: where one
/// call alone takes long, fewer of them are as steady.
inline void take_turns(std::vector<Side>& sides, double seconds, int turns, double most) {
  for (int turn = 0; turn < turns; ++turn) {
    for (Side& side : sides) {
      if (side.used > 0 && (side.once || side.used >= most)) continue;
      const double start = processor_seconds();
      double end = start;
      while (end - start < seconds) {
        const double begin = end;
        const double done = side.work();
        end = processor_seconds();
        side.best = std::max(side.best, done / (end - begin));
        if (side.once) break;
      }
      side.used += end - start;
    }
  }
}

inline std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace flatenn
