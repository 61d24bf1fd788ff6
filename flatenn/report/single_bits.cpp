#include "flatenn/report/single_bits.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/campaign/single_bit.h"
#include "flatenn/memory/layout.h"
#include "flatenn/report/table.h"
#include "flatenn/stats/proportion.h"
#include "flatenn/stats/stratified.h"

namespace flatenn {
namespace {

Interval percent(Interval share) {
  return {100 * share.mean, 100 * share.sd, 100 * share.lo, 100 * share.hi, share.n};
}

/// Where a subject's exposed cells lie.
class Strata {
 public:
  explicit Strata(const Subject& subject)
      : exposure_(parse_exposure_text(subject.exposure)),
        memory_(MemoryLayout::parse(subject.layout, exposure_.parts)),
        strata_(bit_strata(memory_, memory_.expose(exposure_.patterns))) {
    for (std::size_t h = 0; h < strata_.size(); ++h) {
      index_[{strata_[h].tensor, strata_[h].bit}] = h;
    }
  }

  std::vector<BitOutcomes> empty_outcomes() const {
    std::vector<BitOutcomes> outcomes;
    for (const BitStratum& stratum : strata_) {
      BitOutcomes& one = outcomes.emplace_back();
      one.tensor = memory_.tensors()[static_cast<std::size_t>(stratum.tensor)].name;
      one.bit = stratum.bit;
      one.cells = stratum.cells;
    }
    return outcomes;
  }

  /// Of the cell at `address`.
  std::size_t at(std::uint64_t address) const {
    if (address < memory_.bits()) {
      const Cell cell = memory_.cell(address);
      const auto found = index_.find({cell.tensor, cell.bit});
      if (found != index_.end()) return found->second;
    }
    fail("cell {} was tried, but is not exposed; 'flatenn store check' says more", address);
  }

 private:
  NamedExposure exposure_;
  MemoryLayout memory_;
  std::vector<BitStratum> strata_;
  std::map<std::pair<int, int>, std::size_t> index_;
};

void add_trial(const Subject& subject, const Trial& trial, double critical_points,
               BitOutcomes& outcomes) {
  const double loss =
      100.0 * (static_cast<double>(subject.clean_correct) - static_cast<double>(trial.correct)) /
      static_cast<double>(subject.images);
  outcomes.worst_loss = outcomes.trials == 0 ? loss : std::max(outcomes.worst_loss, loss);
  outcomes.trials += 1;
  outcomes.mean_loss += (loss - outcomes.mean_loss) / static_cast<double>(outcomes.trials);
  if (trial.answers_changed == 0) {
    outcomes.masked += 1;
  } else if (loss > critical_points) {
    outcomes.critical += 1;
  }
}

void finish(SingleBitSummary& summary) {
  std::vector<Stratum> changed, critical;
  for (BitOutcomes& one : summary.strata) {
    const Stratum all{one.cells, one.trials, one.critical};
    critical.push_back(all);
    changed.push_back({one.cells, one.trials, one.trials - one.masked});
    one.critical_share =
        percent(one.trials == one.cells ? stratified_proportion(std::span(&all, 1))
                                        : clopper_pearson_interval(one.critical, one.trials));
  }
  summary.changed_share = percent(stratified_proportion(changed));
  summary.critical_share = percent(stratified_proportion(critical));
}

std::string share(const Interval& interval) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", interval.mean, interval.lo, interval.hi);
}

}  // namespace

std::vector<SingleBitSummary> summarize_single_bits(const Subject& subject,
                                                    const std::vector<Trial>& trials,
                                                    double critical_points) {
  FLATENN_ASSERT(subject.source == "single");
  const Strata strata(subject);
  std::map<FaultKind, SingleBitSummary> by_kind;
  for (const Trial& trial : trials) {
    SingleBitSummary& summary = by_kind[trial.kind];
    if (summary.strata.empty()) {
      summary.kind = trial.kind;
      summary.critical_points = critical_points;
      summary.strata = strata.empty_outcomes();
    }
    add_trial(subject, trial, critical_points, summary.strata[strata.at(trial.map)]);
  }
  std::vector<SingleBitSummary> summaries;
  for (auto& [kind, summary] : by_kind) {
    finish(summary);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::string single_bits_text(const std::vector<SingleBitSummary>& summaries) {
  std::string text;
  for (const SingleBitSummary& summary : summaries) {
    Table table{{"tensor", "bit", "cells", "tried", "masked %", "critical %", "95 % interval",
                 "mean loss", "worst loss"},
                {}};
    for (const BitOutcomes& one : summary.strata) {
      const double tried = static_cast<double>(std::max<std::uint64_t>(one.trials, 1));
      table.rows.push_back(
          {one.tensor, fmt::format("{}", one.bit), fmt::format("{}", one.cells),
           fmt::format("{}", one.trials),
           fmt::format("{:.2f}", 100 * static_cast<double>(one.masked) / tried),
           fmt::format("{:.3f}", one.critical_share.mean),
           fmt::format("[{:.3f}, {:.3f}]", one.critical_share.lo, one.critical_share.hi),
           fmt::format("{:.3f}", one.mean_loss), fmt::format("{:.2f}", one.worst_loss)});
    }
    text += fmt::format(
        "{}, one cell at a time\n\n{}\n"
        "of all exposed cells, percent: answers change {}, critical (more than {:g} points lost) "
        "{}\nIntervals: 95 %, Clopper-Pearson a row, stratified over rows.\n\n",
        to_string(summary.kind), aligned_text(table), share(summary.changed_share),
        summary.critical_points, share(summary.critical_share));
  }
  return text;
}

nlohmann::ordered_json single_bits_json(const std::vector<SingleBitSummary>& summaries) {
  using nlohmann::ordered_json;
  ordered_json all = ordered_json::array();
  for (const SingleBitSummary& summary : summaries) {
    ordered_json strata = ordered_json::array();
    for (const BitOutcomes& one : summary.strata) {
      strata.push_back({{"tensor", one.tensor},
                        {"bit", one.bit},
                        {"cells", one.cells},
                        {"trials", one.trials},
                        {"masked", one.masked},
                        {"critical", one.critical},
                        {"critical_lo", one.critical_share.lo},
                        {"critical_hi", one.critical_share.hi},
                        {"mean_loss", one.mean_loss},
                        {"worst_loss", one.worst_loss}});
    }
    all.push_back({{"kind", to_string(summary.kind)},
                   {"critical_points", summary.critical_points},
                   {"changed", summary.changed_share.mean},
                   {"changed_lo", summary.changed_share.lo},
                   {"changed_hi", summary.changed_share.hi},
                   {"critical", summary.critical_share.mean},
                   {"critical_lo", summary.critical_share.lo},
                   {"critical_hi", summary.critical_share.hi},
                   {"strata", strata}});
  }
  return all;
}

}  // namespace flatenn
