// Meter: how far a campaign is, and where it looks worst so far.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/campaign/store.h"
#include "flatenn/stats/accumulator.h"

namespace flatenn {

/// Reports the task "campaign" in trials. Not thread-safe.
class Meter {
 public:
  explicit Meter(const Context& context);

  /// Trials that subject number `subject` will have in all; may be told again when more is known.
  void expect(std::size_t subject, double trials);
  /// Trials that need not be run.
  void add_stored(double trials) { progress_.done += trials; }
  /// Trials just measured.
  void add(const std::string& subject, std::uint64_t images, const std::vector<Trial>& trials);
  void report();
  void finish();

 private:
  /// The cell with the lowest mean of what was measured now, with the 95 % t interval of the mean.
  std::string worst() const;

  const Context& context_;
  Progress progress_;
  std::map<std::size_t, double> expected_;
  std::map<std::tuple<std::string, FaultKind, double>, Accumulator> cells_;  ///< percent
};

}  // namespace flatenn
