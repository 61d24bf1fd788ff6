#include "flatenn/report/analysis_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

/// Four significant digits; "-" for what is not a number.
std::string figure(double x) { return std::isnan(x) ? "-" : fmt::format("{:.4g}", x); }

std::string coefficient(const Interval& interval) {
  if (std::isnan(interval.mean)) return "-";
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", interval.mean, interval.lo, interval.hi);
}

struct Row {
  std::string name;
  double value = 0;
};

/// All single figures of one analysis, in a fixed order.
std::vector<Row> figures(const Analysis& a) {
  std::vector<Row> rows{{"loss", a.here.loss}, {"accuracy, %", a.here.accuracy}};
  const Curvature& c = a.curvature;
  for (std::size_t i = 0; i < c.eigenvalues.size(); ++i) {
    rows.push_back({fmt::format("Hessian eigenvalue {}", i + 1), c.eigenvalues[i]});
  }
  if (!c.eigenvalues.empty()) {
    rows.push_back({"eigenvalue 1 x |w|^2", c.eigenvalues[0] * c.weight_norm * c.weight_norm});
  }
  if (c.trace.n > 0) {
    rows.push_back({"Hessian trace", c.trace.mean});
    rows.push_back({"  its 95 % interval from", c.trace.lo});
    rows.push_back({"  to", c.trace.hi});
  }
  for (const Sharpness& s : a.sharpness) {
    rows.push_back({fmt::format("sharpness, {} metric, radius {}", s.metric, s.radius), s.rise});
  }
  const Flatness& f = a.flatness;
  if (f.average.n > 0) {
    rows.push_back({fmt::format("average rise in balls of {}", f.average_radius), f.average.mean});
  }
  if (f.restarts > 0) {
    rows.push_back({fmt::format("worst rise in balls of {}", f.worst_radius), f.worst});
  }
  for (const FaultKind kind : {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1}) {
    if (a.bits.empty()) break;
    rows.push_back({fmt::format("predicted rise, {} at rate 0.001", to_string(kind)),
                    predicted_rise(a, kind, 0.001)});
  }
  if (!a.histograms.empty())
    rows.push_back({"mean square of codes", mean_square_code(a.histograms)});
  rows.push_back({"mean margin, logits", a.margins.mean});
  for (const LayerSparsity& s : a.sparsity) {
    rows.push_back({fmt::format("zeros of {}, %", s.node), s.zeros});
  }
  for (const InitialDistance& d : a.distances) {
    rows.push_back({fmt::format("distance from start, {}", d.tensor), d.relative});
  }
  return rows;
}

/// Mean predicted loss rise of one flipped cell, a row a tensor, a column a bit.
std::string bits_text(const Analysis& a) {
  int widest = 0;
  for (const BitSensitivity& bit : a.bits) widest = std::max(widest, bit.bit);
  Table table{{"tensor"}, {}};
  for (int bit = widest; bit >= 0; --bit) table.columns.push_back(fmt::format("bit {}", bit));
  std::map<std::string, std::size_t> row_of;
  for (const BitSensitivity& bit : a.bits) {
    const auto [place, fresh] = row_of.try_emplace(bit.tensor, table.rows.size());
    if (fresh) {
      table.rows.emplace_back(table.columns.size(), "-");
      table.rows.back()[0] = bit.tensor;
    }
    for (const BitSensitivity::OfKind& of : bit.kinds) {
      if (of.kind != FaultKind::flip) continue;
      table.rows[place->second][static_cast<std::size_t>(widest - bit.bit) + 1] =
          figure(of.first + of.second);
    }
  }
  return aligned_text(table);
}

std::string how_measured(const Analysis& a) {
  return fmt::format(
      "{}: {} images of {} ({}); weights move, activations stay quantized; Hessian by {} on {} "
      "images, rounding errors of activations held where they are\n",
      a.label, a.images, a.dataset, a.split, a.curvature.method, a.curvature_images);
}

/// Mean correlation of one measure over all cells.
struct Standing {
  std::string measure;
  double all = 0, within = 0, smallest_p = 1;
  int cells = 0;
};

std::vector<Standing> standings(const StudyAnalysis& study) {
  std::vector<Standing> list;
  for (const Correlation& c : study.correlations) {
    auto place = std::ranges::find(list, c.measure, &Standing::measure);
    if (place == list.end()) place = list.insert(list.end(), {c.measure, 0, 0, 1, 0});
    if (std::isnan(c.all.mean)) continue;
    place->all += c.all.mean;
    place->within += std::isnan(c.within.mean) ? 0 : c.within.mean;
    place->smallest_p = std::min(place->smallest_p, c.p);
    ++place->cells;
  }
  for (Standing& s : list) {
    s.all /= std::max(1, s.cells);
    s.within /= std::max(1, s.cells);
  }
  std::ranges::stable_sort(list, std::greater(), &Standing::all);
  return list;
}

}  // namespace

std::string analysis_text(const std::vector<Analysis>& analyses) {
  if (analyses.empty()) return "no analyses\n";
  Table table{{"measure"}, {}};
  std::map<std::string, std::size_t> row_of;
  for (const Analysis& a : analyses) {
    table.columns.push_back(a.label);
    for (const Row& row : figures(a)) {
      const auto [place, fresh] = row_of.try_emplace(row.name, table.rows.size());
      if (fresh) table.rows.push_back({row.name});
      std::vector<std::string>& cells = table.rows[place->second];
      cells.resize(table.columns.size() - 1, "-");
      cells.push_back(figure(row.value));
    }
  }
  for (auto& row : table.rows) row.resize(table.columns.size(), "-");
  std::string text = aligned_text(table);
  for (const Analysis& a : analyses) {
    text += fmt::format("\n{}: predicted loss rise of one flipped bit, mean over its cells\n{}",
                        a.label, bits_text(a));
  }
  text += "\nTop bits leave the range where derivatives hold: trust their order, not their size.\n";
  for (const Analysis& a : analyses) text += how_measured(a);
  return text;
}

std::string cost_text(const Analysis& a, const SensitivityCost& cost) {
  std::string text = fmt::format(
      "{}: bit sensitivity of first order took {:.2f} times one gradient pass ({} images, "
      "{:.2g} s)",
      a.label, cost.first_order / cost.gradient, a.images, cost.gradient);
  if (cost.second_order > 0) {
    text += fmt::format(
        "; of second order {:.0f} times one on its {} images ({:.2g} s), {} products "
        "with the Hessian",
        cost.second_order / cost.subset_gradient, a.curvature_images, cost.subset_gradient,
        a.curvature.trace.n);
  }
  return text;
}

std::string analysis_csv(const std::vector<Analysis>& analyses) {
  Table table{{"label", "measure", "value"}, {}};
  for (const Analysis& a : analyses) {
    for (const Row& row : figures(a)) {
      const auto start = row.name.find_first_not_of(' ');
      table.rows.push_back({a.label, row.name.substr(start), fmt::format("{}", row.value)});
    }
  }
  return csv_text(table);
}

std::string study_analysis_text(const StudyAnalysis& study) {
  Table measures{{"measure", "over all networks", "within seeds", "smallest p", "cells"}, {}};
  for (const Standing& s : standings(study)) {
    measures.rows.push_back({s.measure, fmt::format("{:+.2f}", s.all),
                             fmt::format("{:+.2f}", s.within), fmt::format("{:.4f}", s.smallest_p),
                             fmt::format("{}", s.cells)});
  }
  std::string text = fmt::format(
      "Does a measure taken without faults foretell the accuracy that faults cost?\n"
      "Rank correlation with the points lost, {} networks, mean over all kinds and rates\n"
      "(+1: what measures more always loses more; 0: it tells nothing; below 0: the "
      "contrary)\n\n{}",
      study.networks.size(), aligned_text(measures));
  text += study.best.empty()
              ? "\nNo measure could be correlated.\n"
              : fmt::format("\nBest: {}, {:+.2f} on average.\n", study.best, study.best_mean);
  if (!study.correlations.empty()) {
    Table cells{{"measure", "kind", "rate", "all networks", "n", "within seeds", "p"}, {}};
    for (const Correlation& c : study.correlations) {
      cells.rows.push_back({c.measure, std::string(to_string(c.kind)), fmt::format("{}", c.rate),
                            coefficient(c.all), fmt::format("{}", c.all.n), coefficient(c.within),
                            fmt::format("{:.4f}", c.p)});
    }
    text += "\nCell by cell, with 95 % intervals; p by permutation within seeds, not adjusted\n\n" +
            aligned_text(cells);
  }
  if (!study.rankings.empty()) {
    Table rankings{{"network", "ranks", "kind", "rate", "correlation", "n"}, {}};
    for (const Ranking& r : study.rankings) {
      rankings.rows.push_back({r.label, r.of, std::string(to_string(r.kind)),
                               fmt::format("{}", r.rate), coefficient(r.correlation),
                               fmt::format("{}", r.correlation.n)});
    }
    text += "\nPredicted loss rise against a campaign that exposed each part alone\n\n" +
            aligned_text(rankings);
  }
  return text;
}

}  // namespace flatenn
