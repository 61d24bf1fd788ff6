#include "flatenn/report/summary.h"

#include <algorithm>
#include <map>
#include <utility>

#include "flatenn/stats/confidence_sequence.h"
#include "flatenn/stats/interval.h"
#include "flatenn/stats/proportion.h"

namespace flatenn {
namespace {

struct Samples {
  std::vector<std::pair<std::uint64_t, double>> accuracies;  ///< map id, percent
  Accumulator faulty_bits, changed_bits, answers_changed;
};

/// In the order of map ids.
std::vector<double> sorted_accuracies(Samples& samples) {
  std::ranges::sort(samples.accuracies);
  std::vector<double> accuracies;
  for (const auto& [map, accuracy] : samples.accuracies) accuracies.push_back(accuracy);
  return accuracies;
}

}  // namespace

CellSummary summarize_accuracies(const std::vector<double>& accuracies) {
  CellSummary cell;
  const Interval interval = t_interval(accuracies);
  const Interval sequence = confidence_sequence(accuracies, 0, 100);
  cell.maps = interval.n;
  cell.mean = interval.mean;
  cell.sd = interval.n > 1 ? interval.sd : 0;
  cell.lo = std::max(0.0, interval.lo);
  cell.hi = std::min(100.0, interval.hi);
  cell.anytime_lo = sequence.lo;
  cell.anytime_hi = sequence.hi;
  cell.few_decide = interval.n > 1 && !normal_enough(accuracies);
  return cell;
}

std::vector<CellSummary> summarize_cells(const std::vector<Trial>& trials, std::uint64_t images,
                                         const MapRange& maps) {
  std::map<std::pair<FaultKind, double>, Samples> cells;
  for (const Trial& trial : trials) {
    if (trial.map < maps.first || trial.map >= maps.last) continue;
    Samples& samples = cells[{trial.kind, trial.rate}];
    samples.accuracies.emplace_back(
        trial.map, 100.0 * static_cast<double>(trial.correct) / static_cast<double>(images));
    samples.faulty_bits.add(static_cast<double>(trial.faulty_bits));
    samples.changed_bits.add(static_cast<double>(trial.changed_bits));
    samples.answers_changed.add(static_cast<double>(trial.answers_changed));
  }
  std::vector<CellSummary> summaries;
  for (auto& [key, samples] : cells) {
    CellSummary cell = summarize_accuracies(sorted_accuracies(samples));
    cell.kind = key.first;
    cell.rate = key.second;
    cell.faulty_bits = samples.faulty_bits.mean();
    cell.changed_bits = samples.changed_bits.mean();
    cell.answers_changed = samples.answers_changed.mean();
    summaries.push_back(cell);
  }
  return summaries;
}

SubjectSummary summarize(const Subject& subject, const std::vector<Trial>& trials,
                         const MapRange& maps, double critical_points) {
  const Interval clean = wilson_interval(subject.clean_correct, subject.images);
  SubjectSummary summary{subject, 100 * clean.mean, 100 * clean.lo, 100 * clean.hi,
                         summarize_cells(trials, subject.images, maps)};
  if (subject.source == "single") {
    summary.single_bits = summarize_single_bits(subject, trials, critical_points);
  }
  return summary;
}

std::vector<SubjectSummary> summarize(const Store& store, const MapRange& maps,
                                      double critical_points) {
  std::vector<SubjectSummary> summaries;
  for (const Subject& subject : store.subjects()) {
    const std::vector<Trial> trials = store.trials(subject.key());
    summaries.push_back(summarize(subject, trials, maps, critical_points));
  }
  return summaries;
}

}  // namespace flatenn
