#include "flatenn/analysis/activity.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Images a trace: bounds memory.
constexpr std::size_t kBatch = 200;
constexpr int kQuantiles = 20;

template <class Body>
void for_each_trace(Evaluator& evaluator, int node, std::size_t images, Body body) {
  for (std::size_t first = 0; first < images; first += kBatch) {
    body(first, evaluator.trace(node, first, std::min(kBatch, images - first)));
  }
}

/// Linear between order statistics. Precondition: `sorted` is not empty, 0 <= share <= 1.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Logit of the label minus the largest other one.
double margin(std::span<const float> logits, std::size_t label) {
  float other = -std::numeric_limits<float>::infinity();
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (k != label) other = std::max(other, logits[k]);
  }
  return static_cast<double>(logits[label]) - static_cast<double>(other);
}

}  // namespace

std::vector<LayerSparsity> layer_sparsity(Evaluator& evaluator, const Model& model,
                                          const Dataset& data) {
  std::vector<LayerSparsity> layers;
  for (std::size_t n = 0; n < model.graph.nodes.size(); ++n) {
    const Node& node = model.graph.nodes[n];
    if (!std::holds_alternative<Activation>(node.op)) continue;
    std::uint64_t zeros = 0, codes = 0;
    for_each_trace(evaluator, static_cast<int>(n), data.size(),
                   [&](std::size_t, const NodeTrace& trace) {
                     zeros += static_cast<std::uint64_t>(std::ranges::count(trace.codes, 0));
                     codes += trace.codes.size();
                   });
    layers.push_back({node.name, codes / data.size(),
                      100 * static_cast<double>(zeros) / static_cast<double>(codes)});
  }
  return layers;
}

Margins measure_margins(Evaluator& evaluator, const Model& model, const Dataset& data) {
  const int output = static_cast<int>(model.graph.nodes.size()) - 1;
  std::vector<double> margins;
  double sum = 0;
  for_each_trace(evaluator, output, data.size(), [&](std::size_t first, const NodeTrace& trace) {
    const std::size_t count = std::min(kBatch, data.size() - first);
    const std::size_t classes = trace.values.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
      margins.push_back(
          margin(std::span(trace.values).subspan(i * classes, classes), data.labels[first + i]));
      sum += margins.back();
    }
  });
  std::ranges::sort(margins);
  Margins result;
  result.mean = sum / static_cast<double>(margins.size());
  for (int i = 0; i <= kQuantiles; ++i) {
    result.shares.push_back(static_cast<double>(i) / kQuantiles);
    result.quantiles.push_back(quantile(margins, result.shares.back()));
  }
  return result;
}

std::vector<CodeHistogram> code_histograms(const Model& model) {
  std::vector<CodeHistogram> histograms;
  for (const WeightTensor& tensor : model.weights) {
    CodeHistogram& histogram = histograms.emplace_back();
    histogram.tensor = tensor.name;
    histogram.first_code = tensor.format.min_code();
    histogram.scale = tensor.scale;
    histogram.offset = tensor.offset;
    histogram.counts.resize(
        static_cast<std::size_t>(tensor.format.max_code() - tensor.format.min_code() + 1));
    for (const std::int8_t code : tensor.codes) {
      ++histogram.counts[static_cast<std::size_t>(code - histogram.first_code)];
    }
  }
  return histograms;
}

}  // namespace flatenn
