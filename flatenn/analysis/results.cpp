#include "flatenn/analysis/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

const BitSensitivity::OfKind* find_kind(const BitSensitivity& bit, FaultKind kind) {
  const auto found = std::ranges::find(bit.kinds, kind, &BitSensitivity::OfKind::kind);
  return found == bit.kinds.end() ? nullptr : &*found;
}

/// Mean rise over all directions at the positions nearest to +-0.5.
double line_rise(const Analysis& analysis) {
  const Landscape& landscape = analysis.landscape;
  double sum = 0;
  std::size_t count = 0;
  for (const double target : {-0.5, 0.5}) {
    const auto nearest = std::ranges::min_element(landscape.line_positions, {},
                                                  [&](double x) { return std::abs(x - target); });
    if (nearest == landscape.line_positions.end()) return 0;
    const auto index = static_cast<std::size_t>(nearest - landscape.line_positions.begin());
    for (const std::vector<LossPoint>& line : landscape.lines) {
      sum += line.at(index).loss - analysis.here.loss;
      ++count;
    }
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

double mean_square_code(const std::vector<CodeHistogram>& histograms) {
  double squares = 0, codes = 0;
  for (const CodeHistogram& histogram : histograms) {
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      const double code = histogram.first_code + static_cast<double>(i);
      const auto count = static_cast<double>(histogram.counts[i]);
      squares += count * code * code;
      codes += count;
    }
  }
  return squares / codes;
}

double predicted_rise(const Analysis& analysis, FaultKind kind, double rate) {
  double sum = 0;
  for (const BitSensitivity& bit : analysis.bits) {
    const BitSensitivity::OfKind* of_kind = find_kind(bit, kind);
    if (of_kind == nullptr) fail("{}: no bit sensitivity under {}", bit.tensor, to_string(kind));
    sum += static_cast<double>(bit.cells) * (of_kind->first + of_kind->second);
  }
  return rate * sum;
}

std::vector<Measure> measures(const Analysis& analysis, FaultKind kind, double rate) {
  std::vector<Measure> list;
  const Curvature& curvature = analysis.curvature;
  const double squared = curvature.weight_norm * curvature.weight_norm;
  if (!curvature.eigenvalues.empty()) {
    list.push_back({"top eigenvalue", curvature.eigenvalues.front()});
    list.push_back({"top eigenvalue x |w|^2", curvature.eigenvalues.front() * squared});
  }
  if (curvature.trace.n > 0) {
    list.push_back({"Hessian trace", curvature.trace.mean});
    list.push_back({"Hessian trace x |w|^2", curvature.trace.mean * squared});
  }
  for (const Sharpness& sharpness : analysis.sharpness) {
    list.push_back({fmt::format("sharpness, {} metric", sharpness.metric), sharpness.rise});
  }
  if (analysis.flatness.average.n > 0) {
    list.push_back({"average rise in balls", analysis.flatness.average.mean});
  }
  if (analysis.flatness.restarts > 0) {
    list.push_back({"worst rise in balls", analysis.flatness.worst});
  }
  if (!analysis.landscape.lines.empty()) {
    list.push_back({"rise along lines at 0.5", line_rise(analysis)});
  }
  if (!analysis.bits.empty()) {
    list.push_back({"predicted rise by bits", predicted_rise(analysis, kind, rate)});
  }
  // Not of the loss's shape, but what else a network differs in.
  if (!analysis.sparsity.empty()) {
    double zeros = 0, elements = 0;
    for (const LayerSparsity& layer : analysis.sparsity) {
      zeros += layer.zeros * static_cast<double>(layer.elements);
      elements += static_cast<double>(layer.elements);
    }
    list.push_back({"activation sparsity", zeros / elements});
  }
  // Negative like the margin: what should make a network robust.
  if (!analysis.histograms.empty()) {
    list.push_back({"negative mean square of codes", -mean_square_code(analysis.histograms)});
  }
  if (!analysis.margins.shares.empty()) {
    list.push_back({"negative mean margin", -analysis.margins.mean});
  }
  list.push_back({"clean loss", analysis.here.loss});
  return list;
}

}  // namespace flatenn
