// Models for tests: any graph, filled with keyed random numbers that exercise every rounding.
#pragma once

#include <cmath>
#include <cstdint>

#include "flatenn/base/random.h"
#include "flatenn/graph/model.h"

namespace flatenn {

namespace random_model_internal {

/// Largest code of the node that reads node i's sums: what the sums should spread over.
inline float target_range(const Graph& graph, int i) {
  for (const Node& node : graph.nodes) {
    if (node.inputs.empty() || node.inputs.front() != i) continue;
    if (const auto* act = std::get_if<Activation>(&node.op)) return float((1 << act->bits) - 1);
    if (const auto* q = std::get_if<Quantize>(&node.op)) return float((1 << (q->bits - 1)) - 1);
  }
  return 10;
}

/// Every third channel gets a power of two and an addend on the half grid, so that rounding meets
/// exact ties.
inline void fill_channel(RandomStream& stream, int channel, float spread, float range, float& gain,
                         float& addend) {
  gain = spread * float(0.5 + stream.uniform()) * (stream.below(8) == 0 ? -1.0f : 1.0f);
  addend = range * float(stream.uniform() - 0.4) / 2;
  if (channel % 3 == 0) {
    gain = std::exp2(std::round(std::log2(std::abs(gain))));
    addend = std::round(addend) + 0.5f;
  }
}

}  // namespace random_model_internal

/// The folded form of `graph` with random codes over their whole range, random affine maps whose
/// results fill and overrun the next codes, and weight offsets in every second layer if asked.
inline Model random_model(const Graph& graph, std::uint64_t seed, bool weight_offsets = false) {
  Model model;
  model.graph = fold_batch_norm(graph);
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  const std::vector<Node>& nodes = model.graph.nodes;
  model.affine.resize(nodes.size());
  model.steps.assign(nodes.size(), 1.0f);
  for (int i = 0; i < int(nodes.size()); ++i) {
    RandomStream stream(seed, Purpose::test, std::uint64_t(i));
    NodeAffine& affine = model.affine[i];
    const float range = random_model_internal::target_range(model.graph, i);
    if (infos[i].weight_count > 0) {
      const CodeFormat format = weight_format(nodes[i]).code;
      WeightTensor tensor{i, nodes[i].name + ".weight", infos[i].weight_shape, format, 1, 0, {}};
      tensor.scale = float(0.01 + stream.uniform());
      tensor.offset = weight_offsets && model.weights.size() % 2 == 0 ? tensor.scale / 2 : 0.0f;
      const auto levels = std::uint64_t(format.max_code() - format.min_code() + 1);
      tensor.codes.resize(infos[i].weight_count);
      for (auto& code : tensor.codes) {
        code = std::int8_t(format.min_code() + int(stream.below(levels)));
      }
      const int channels = infos[i].shape.channels;
      const float fan_in = float(infos[i].weight_count / channels);
      // Random signs: sums grow with the root of the number of inputs.
      const float spread = range * std::sqrt(fan_in) / float(infos[i].max_abs_sum) * 2;
      affine.multiplier.resize(channels);
      affine.addend.resize(channels);
      for (int c = 0; c < channels; ++c) {
        random_model_internal::fill_channel(stream, c, spread, range, affine.multiplier[c],
                                            affine.addend[c]);
        if (tensor.offset != 0) affine.window_multiplier.push_back(affine.multiplier[c] / 2);
      }
      model.weights.push_back(std::move(tensor));
    } else if (std::holds_alternative<AvgPool>(nodes[i].op)) {
      affine.multiplier = {range / float(infos[i].max_abs_sum) * float(1 + stream.uniform())};
    } else if (std::holds_alternative<Add>(nodes[i].op)) {
      affine.multiplier = {range / float(infos[i].max_abs_sum) * float(1 + stream.uniform()),
                           range / float(infos[i].max_abs_sum) * float(1 + stream.uniform())};
    }
  }
  check_model(model);
  return model;
}

}  // namespace flatenn
