#include "flatenn/graph/model.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "flatenn/base/error.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {
namespace {

// Times a sum below 2^31 this stays far from the largest float, so no evaluator meets an infinity.
constexpr float max_affine = 18446744073709551616.0f;  // 2^64

void check_weights(const Model& model, const WeightTensor& tensor, const NodeInfo& info) {
  const Node& node = model.graph.nodes[tensor.node];
  if (tensor.name != node.name + ".weight") {
    fail("tensor '{}': must be named '{}.weight'", tensor.name, node.name);
  }
  if (tensor.shape != info.weight_shape) {
    fail("tensor '{}': shape ({}), its node needs ({})", tensor.name, fmt::join(tensor.shape, ", "),
         fmt::join(info.weight_shape, ", "));
  }
  if (static_cast<std::int64_t>(tensor.codes.size()) != info.weight_count) {
    fail("tensor '{}': {} codes, its shape has {}", tensor.name, tensor.codes.size(),
         info.weight_count);
  }
  if (tensor.format != weight_format(node).code) {
    fail("tensor '{}': its format differs from that of node '{}'", tensor.name, node.name);
  }
  if (!(tensor.scale > 0) || !std::isfinite(tensor.scale) || !std::isfinite(tensor.offset)) {
    fail("tensor '{}': scale {} must be positive and offset {} finite", tensor.name, tensor.scale,
         tensor.offset);
  }
  const int low = tensor.format.min_code();
  const int high = tensor.format.max_code();
  for (std::size_t i = 0; i < tensor.codes.size(); ++i) {
    if (tensor.codes[i] < low || tensor.codes[i] > high) {
      fail("tensor '{}': code {} at element {} is not a {}-bit {} code ({} to {})", tensor.name,
           tensor.codes[i], i, tensor.format.bits, to_string(tensor.format.encoding), low, high);
    }
  }
}

void check_values(const Node& node, std::string_view what, const std::vector<float>& values,
                  std::size_t count) {
  if (values.size() != count) {
    fail("node '{}': {} has {} values, must have {}", node.name, what, values.size(), count);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i]) <= max_affine)) {
      fail("node '{}': {}[{}] is {}, must be a number of magnitude 2^64 at most", node.name, what,
           i, values[i]);
    }
  }
}

void check_affine(const Node& node, const NodeInfo& info, const NodeAffine& affine,
                  bool has_offset) {
  std::size_t channels = 0;
  std::size_t multipliers = 0;
  if (info.weight_count > 0 || std::holds_alternative<ChannelAffine>(node.op) ||
      std::holds_alternative<GroupNorm>(node.op)) {
    channels = multipliers = info.shape.channels;
  }
  if (std::holds_alternative<AvgPool>(node.op)) multipliers = 1;
  if (std::holds_alternative<Add>(node.op)) multipliers = 2;
  check_values(node, "multiplier", affine.multiplier, multipliers);
  check_values(node, "window_multiplier", affine.window_multiplier, has_offset ? channels : 0);
  check_values(node, "addend", affine.addend, channels);
}

void check_info(const ModelInfo& info, int classes) {
  if (!info.class_names.empty() && info.class_names.size() != static_cast<std::size_t>(classes)) {
    fail("{} class names for {} classes", info.class_names.size(), classes);
  }
  for (const double percent : {info.float_accuracy, info.clean_accuracy, info.sparsity}) {
    if (!(percent <= 100) || !std::isfinite(percent)) {
      fail("accuracies and sparsity are percentages (negative: not measured), not {}", percent);
    }
  }
  parse_strict_json(info.recipe, "recipe");
}

}  // namespace

std::int64_t Model::weight_count() const {
  std::int64_t count = 0;
  for (const WeightTensor& tensor : weights) {
    count += static_cast<std::int64_t>(tensor.codes.size());
  }
  return count;
}

void check_model(const Model& model) {
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  const std::vector<Node>& nodes = model.graph.nodes;
  for (const Node& node : nodes) {
    if (std::holds_alternative<BatchNorm>(node.op)) {
      fail("node '{}': a model holds no batch_norm; it is folded into the node before", node.name);
    }
  }
  if (model.affine.size() != nodes.size() || model.steps.size() != nodes.size()) {
    fail("{} affine maps and {} steps for {} nodes", model.affine.size(), model.steps.size(),
         nodes.size());
  }
  const std::vector<int> layers = weight_nodes(model.graph);
  if (model.weights.size() != layers.size()) {
    fail("{} weight tensors for {} nodes with weights", model.weights.size(), layers.size());
  }
  std::vector<bool> has_offset(nodes.size(), false);
  for (std::size_t t = 0; t < layers.size(); ++t) {
    const WeightTensor& tensor = model.weights[t];
    if (tensor.node != layers[t]) {
      fail("tensor '{}': belongs to node number {}, in graph order it must be {}", tensor.name,
           tensor.node, layers[t]);
    }
    check_weights(model, tensor, infos[layers[t]]);
    has_offset[tensor.node] = tensor.offset != 0;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    check_affine(nodes[i], infos[i], model.affine[i], has_offset[i]);
    if (!(model.steps[i] > 0) || !std::isfinite(model.steps[i])) {
      fail("node '{}': step {} must be a positive number", nodes[i].name, model.steps[i]);
    }
  }
  check_info(model.info, infos.back().shape.channels);
}

}  // namespace flatenn
