#include "flatenn/analysis/correlate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "flatenn/base/error.h"
#include "flatenn/stats/rank_correlation.h"

namespace flatenn {
namespace {

constexpr std::uint64_t kPermutations = 9999;

/// [measure][network]
struct MeasureTable {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;
};

MeasureTable measure_table(std::span<const StudyAnalysis::Network> networks, const LossCell& cell) {
  MeasureTable table;
  for (const StudyAnalysis::Network& network : networks) {
    const std::vector<Measure> list = measures(network.analysis, cell.kind, cell.rate);
    if (table.names.empty()) {
      for (const Measure& measure : list) table.names.push_back(measure.name);
      table.values.resize(list.size());
    }
    if (list.size() != table.names.size()) {
      fail("{}: analysed with other settings than {}", network.analysis.label,
           networks.front().analysis.label);
    }
    for (std::size_t m = 0; m < list.size(); ++m) {
      if (list[m].name != table.names[m]) {
        fail("{}: analysed with other settings than {}", network.analysis.label,
             networks.front().analysis.label);
      }
      table.values[m].push_back(list[m].value);
    }
  }
  return table;
}

bool all_finite(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double x) { return std::isfinite(x); });
}

std::vector<PairGroup> by_seed(std::span<const StudyAnalysis::Network> networks,
                               const std::vector<double>& values, const std::vector<double>& lost) {
  std::map<std::uint64_t, PairGroup> groups;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    PairGroup& group = groups[networks[i].seed];
    group.a.push_back(values[i]);
    group.b.push_back(lost[i]);
  }
  std::vector<PairGroup> list;
  for (auto& [seed, group] : groups) list.push_back(std::move(group));
  return list;
}

/// Sums of predicted rises under a name made from each bit position of each tensor.
std::vector<Ranking::Part> predicted_parts(
    const Analysis& analysis, FaultKind kind, double rate,
    const std::function<std::string(const BitSensitivity&)>& name) {
  std::vector<Ranking::Part> parts;
  for (const BitSensitivity& bit : analysis.bits) {
    auto part = std::ranges::find(parts, name(bit), &Ranking::Part::name);
    if (part == parts.end()) part = parts.insert(part, {name(bit), 0, 0});
    for (const BitSensitivity::OfKind& of : bit.kinds) {
      if (of.kind != kind) continue;
      part->predicted += rate * static_cast<double>(bit.cells) * (of.first + of.second);
    }
  }
  return parts;
}

}  // namespace

std::vector<Correlation> correlate(std::span<const StudyAnalysis::Network> networks,
                                   std::span<const LossCell> cells, std::uint64_t seed) {
  std::vector<std::vector<Correlation>> by_measure;
  std::uint64_t index = 0;
  for (const LossCell& cell : cells) {
    FLATENN_ASSERT(cell.lost.size() == networks.size());
    const MeasureTable table = measure_table(networks, cell);
    by_measure.resize(table.names.size());
    for (std::size_t m = 0; m < table.names.size(); ++m) {
      ++index;
      // A loss that is no number has no rank; its measure says nothing.
      if (!all_finite(table.values[m])) continue;
      const std::vector<PairGroup> groups = by_seed(networks, table.values[m], cell.lost);
      by_measure[m].push_back(
          {table.names[m], cell.kind, cell.rate, spearman_interval(table.values[m], cell.lost),
           grouped_spearman(groups), grouped_spearman_p(groups, kPermutations, seed, index)});
    }
  }
  std::vector<Correlation> all;
  for (const std::vector<Correlation>& list : by_measure) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

void choose_best(StudyAnalysis& study) {
  struct Sum {
    std::string measure;
    double sum = 0;
    int cells = 0;
  };
  std::vector<Sum> sums;
  for (const Correlation& c : study.correlations) {
    if (std::isnan(c.all.mean)) continue;
    auto place = std::ranges::find(sums, c.measure, &Sum::measure);
    if (place == sums.end()) place = sums.insert(place, {c.measure, 0, 0});
    place->sum += c.all.mean;
    ++place->cells;
  }
  study.best.clear();
  study.best_mean = 0;
  for (const Sum& sum : sums) {
    const double mean = sum.sum / sum.cells;
    if (!study.best.empty() && mean <= study.best_mean) continue;
    study.best = sum.measure;
    study.best_mean = mean;
  }
}

std::vector<Ranking::Part> predicted_layers(const Analysis& analysis, FaultKind kind, double rate) {
  return predicted_parts(analysis, kind, rate, [](const BitSensitivity& b) { return b.tensor; });
}

std::vector<Ranking::Part> predicted_positions(const Analysis& analysis, FaultKind kind,
                                               double rate) {
  return predicted_parts(analysis, kind, rate,
                         [](const BitSensitivity& b) { return fmt::format("bit {}", b.bit); });
}

}  // namespace flatenn
