// What a thousand ranks would do with one campaign: startup, trials of ranks that differ in speed,
// failures with a requeue, and the merge of all stores, from times that a small machine measured.
// Ranks never talk, so each can be computed on its own: no events, one pass.
//
//   schedule_bench [--ranks 1000] [--trials 64800] [--trial-seconds 0.02] [--cells 324] ...
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "flatenn/base/random.h"

namespace flatenn {
namespace {

struct Setting {
  int ranks = 1000;
  std::uint64_t trials = 64800;  ///< the grid of lenet5-full with 200 maps
  std::uint64_t cells = 324;     ///< its (network, kind, rate)
  double trial_seconds = 0.02;
  double startup_seconds = 1;  ///< load models and images, first answers without faults
  double spread = 0.1;         ///< deviation of the logarithm of a rank's speed
  double slow_share = 0.01;    ///< of ranks that are stragglers
  double slow_factor = 3;
  double failures_an_hour = 0.05;  ///< a rank
  double requeue_seconds = 60;
  double lost_seconds = 0.2;  ///< trials since the last commit
  double merge_rows_a_second = 1e5;
};

struct Case {
  std::string name;
  bool stragglers = false, failures = false;
};

/// Wall time of one rank with `work` seconds of trials at normal speed.
double rank_seconds(const Setting& setting, const Case& which, int rank, double work) {
  RandomStream stream(1, Purpose::test, static_cast<std::uint64_t>(rank));
  const bool slow = stream.uniform() < setting.slow_share;
  const double speed =
      std::exp(setting.spread * stream.normal()) / (slow ? setting.slow_factor : 1);
  double left = which.stragglers ? work / speed : work;
  double time = setting.startup_seconds;
  while (which.failures) {
    const double until_failure =
        -std::log(1 - stream.uniform()) * 3600 / std::max(setting.failures_an_hour, 1e-9);
    if (until_failure >= left) break;
    time += until_failure + setting.requeue_seconds + setting.startup_seconds;
    left -= std::max(0.0, until_failure - setting.lost_seconds);
  }
  return time + left;
}

/// Until the last rank is done.
double makespan(const Setting& setting, const Case& which, std::uint64_t pieces,
                double piece_seconds) {
  double last = 0;
  const auto ranks = static_cast<std::uint64_t>(setting.ranks);
  for (std::uint64_t r = 0; r < ranks; ++r) {
    const std::uint64_t own = pieces / ranks + (r < pieces % ranks ? 1 : 0);
    const double work = static_cast<double>(own) * piece_seconds;
    last = std::max(last, rank_seconds(setting, which, static_cast<int>(r), work));
  }
  return last;
}

void print_rows(const Setting& setting) {
  const double work = static_cast<double>(setting.trials) * setting.trial_seconds;
  const double ideal = work / setting.ranks;
  const double merge = static_cast<double>(setting.trials) / setting.merge_rows_a_second;
  const double cell_seconds = work / static_cast<double>(setting.cells);
  fmt::print(
      "{} trials of {:g} s on {} ranks: {:.1f} s if work were all, then a merge of {:.1f} s\n",
      setting.trials, setting.trial_seconds, setting.ranks, ideal, merge);
  fmt::print("{:44} {:>16} {:>16}\n", "last rank ends after, s", "fixed, by trial",
             "until, by cell");
  for (const Case& which : {Case{"equal ranks"}, Case{"ranks of different speed", true, false},
                            Case{"ranks that fail", false, true}, Case{"both", true, true}}) {
    fmt::print("{:44} {:16.1f} {:16.1f}\n", which.name,
               makespan(setting, which, setting.trials, setting.trial_seconds),
               makespan(setting, which, setting.cells, cell_seconds));
  }
}

int run(int argc, char** argv) {
  CLI::App app("A campaign on many ranks, simulated");
  Setting setting;
  app.add_option("--ranks", setting.ranks, "processes")->check(CLI::Range(1, 1000000));
  app.add_option("--trials", setting.trials, "trials in all");
  app.add_option("--cells", setting.cells, "cells (network, kind, rate)");
  app.add_option("--trial-seconds", setting.trial_seconds, "one trial on one rank");
  app.add_option("--startup-seconds", setting.startup_seconds, "before the first trial");
  app.add_option("--spread", setting.spread, "deviation of the logarithm of speed");
  app.add_option("--slow-share", setting.slow_share, "share of stragglers");
  app.add_option("--slow-factor", setting.slow_factor, "how much slower they are");
  app.add_option("--failures", setting.failures_an_hour, "a rank and hour");
  app.add_option("--requeue-seconds", setting.requeue_seconds, "until a failed rank runs again");
  app.add_option("--merge-rows", setting.merge_rows_a_second, "rows merged a second");
  CLI11_PARSE(app, argc, argv);
  print_rows(setting);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run(argc, argv); }
