#include "flatenn/graph/graph.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Op>> kind_names = {
    "input",    "conv2d",   "linear",   "batch_norm", "channel_affine", "group_norm", "activation",
    "quantize", "max_pool", "avg_pool", "add",        "flatten",        "output"};

// Limits far above any network in use; they keep every product below within 64 bits and stop a
// hostile file from asking for absurd buffers.
constexpr int max_dimension = 1 << 20;
constexpr std::int64_t max_elements = std::int64_t{1} << 28;
constexpr std::int64_t max_int32 = std::numeric_limits<std::int32_t>::max();

std::string describe(const Node& node) {
  return fmt::format("node '{}' ({})", node.name, kind_name(node.op));
}

std::string describe(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

void check_between(const Node& node, std::string_view what, int value, int low, int high) {
  if (value < low || value > high) {
    fail("{}: {} is {}, must be {} to {}", describe(node), what, value, low, high);
  }
}

bool reads_activation(const Graph& graph, const Node& node) {
  const Node& input = graph.nodes[static_cast<std::size_t>(node.inputs.at(0))];
  return std::holds_alternative<Activation>(input.op);
}

int max_abs_code(const NodeInfo& info) { return std::max(-info.min_code, info.max_code); }

/// Number of positions of a window, or an Error when it does not fit.
int window_positions(const Node& node, int size, int kernel, int stride, int padding) {
  const int padded = size + 2 * padding;
  if (kernel > padded) {
    fail("{}: kernel {} is larger than its padded input of {} pixels", describe(node), kernel,
         padded);
  }
  return (padded - kernel) / stride + 1;
}

/// Fills in what one node's result looks like, given the results of its inputs.
class NodeChecker {
 public:
  NodeChecker(const Graph& graph, const Node& node, const std::vector<NodeInfo>& infos)
      : graph_(graph), node_(node), infos_(infos) {}

  NodeInfo operator()(const Input& op) const {
    check_between(node_, "channels", op.channels, 1, max_dimension);
    check_between(node_, "height", op.height, 1, max_dimension);
    check_between(node_, "width", op.width, 1, max_dimension);
    check_between(node_, "zero_point", op.zero_point, 0, 255);
    if (!(op.scale > 0) || op.scale > std::numeric_limits<float>::max()) {
      fail("{}: scale is {}, must be a positive number", describe(node_), op.scale);
    }
    return codes({op.channels, op.height, op.width}, -op.zero_point, 255 - op.zero_point);
  }

  NodeInfo operator()(const Conv2d& op) const {
    const NodeInfo& in = codes_input(0);
    check_between(node_, "out_channels", op.out_channels, 1, max_dimension);
    check_window(op.kernel, op.stride);
    check_between(node_, "padding", op.padding, 0, op.kernel - 1);
    NodeInfo info;
    info.shape = {op.out_channels,
                  window_positions(node_, in.shape.height, op.kernel, op.stride, op.padding),
                  window_positions(node_, in.shape.width, op.kernel, op.stride, op.padding)};
    info.weight_shape = {op.out_channels, in.shape.channels, op.kernel, op.kernel};
    const std::int64_t fan_in = std::int64_t{in.shape.channels} * op.kernel * op.kernel;
    return weighted_sums(std::move(info), in, op.weights, fan_in);
  }

  NodeInfo operator()(const Linear& op) const {
    const NodeInfo& in = codes_input(0);
    check_between(node_, "out_features", op.out_features, 1, max_dimension);
    if (in.shape.height != 1 || in.shape.width != 1) {
      fail("{}: reads the {} image '{}'; put a flatten node before it", describe(node_),
           describe(in.shape), input_name(0));
    }
    NodeInfo info;
    info.shape = {op.out_features, 1, 1};
    info.weight_shape = {op.out_features, in.shape.channels};
    return weighted_sums(std::move(info), in, op.weights, in.shape.channels);
  }

  NodeInfo operator()(const BatchNorm& op) const {
    const NodeInfo& in = reads_activation(graph_, node_) ? codes_input(0) : layer_input();
    if (!(op.epsilon > 0) || !(op.momentum > 0 && op.momentum <= 1)) {
      fail("{}: epsilon must be positive and momentum in (0, 1]", describe(node_));
    }
    return sums(in.shape, in.codes ? max_abs_code(in) : in.max_abs_sum);
  }

  NodeInfo operator()(const ChannelAffine&) const {
    const NodeInfo& in = codes_input(0);
    if (!reads_activation(graph_, node_)) {
      fail("{}: reads '{}'; a channel_affine must directly follow an activation node",
           describe(node_), input_name(0));
    }
    return sums(in.shape, max_abs_code(in));
  }

  NodeInfo operator()(const GroupNorm& op) const {
    const NodeInfo& in = layer_input();
    check_between(node_, "groups", op.groups, 1, in.shape.channels);
    if (in.shape.channels % op.groups != 0) {
      fail("{}: {} groups do not divide the {} channels of '{}'", describe(node_), op.groups,
           in.shape.channels, input_name(0));
    }
    if (!(op.epsilon > 0) || op.epsilon > std::numeric_limits<float>::max()) {
      fail("{}: epsilon is {}, must be a positive number", describe(node_), op.epsilon);
    }
    return sums(in.shape, 0);
  }

  NodeInfo operator()(const Activation& op) const {
    const NodeInfo& in = sums_input(0);
    check_between(node_, "bits", op.bits, 2, 8);
    return codes(in.shape, 0, (1 << op.bits) - 1);
  }

  NodeInfo operator()(const Quantize& op) const {
    const NodeInfo& in = sums_input(0);
    check_between(node_, "bits", op.bits, 2, 8);
    return codes(in.shape, -(1 << (op.bits - 1)), (1 << (op.bits - 1)) - 1);
  }

  NodeInfo operator()(const MaxPool& op) const {
    const NodeInfo& in = codes_input(0);
    return codes(pooled_shape(in.shape, op.kernel, op.stride), in.min_code, in.max_code);
  }

  NodeInfo operator()(const AvgPool& op) const {
    const NodeInfo& in = codes_input(0);
    const Shape shape = pooled_shape(in.shape, op.kernel, op.stride);
    return sums(shape, std::int64_t{op.kernel} * op.kernel * max_abs_code(in));
  }

  NodeInfo operator()(const Add&) const {
    const NodeInfo& a = codes_input(0);
    const NodeInfo& b = codes_input(1);
    if (a.shape != b.shape) {
      fail("{}: adds '{}' of shape {} and '{}' of shape {}; shapes must be equal", describe(node_),
           input_name(0), describe(a.shape), input_name(1), describe(b.shape));
    }
    return sums(a.shape, std::int64_t{max_abs_code(a)} + max_abs_code(b));
  }

  NodeInfo operator()(const Flatten&) const {
    const NodeInfo& in = codes_input(0);
    if (in.shape.elements() > max_dimension) {
      fail("{}: {} elements, at most {}", describe(node_), in.shape.elements(), max_dimension);
    }
    return codes({static_cast<int>(in.shape.elements()), 1, 1}, in.min_code, in.max_code);
  }

  NodeInfo operator()(const Output&) const {
    const NodeInfo& in = sums_input(0);
    if (in.shape.height != 1 || in.shape.width != 1 || in.shape.channels > 256) {
      fail("{}: reads shape {}; must be 1 to 256 classes x1x1", describe(node_),
           describe(in.shape));
    }
    return sums(in.shape, in.max_abs_sum);
  }

 private:
  const std::string& input_name(int i) const { return graph_.nodes[node_.inputs[i]].name; }

  const NodeInfo& codes_input(int i) const {
    const NodeInfo& in = infos_[node_.inputs[i]];
    if (!in.codes) {
      fail("{}: needs codes, but '{}' gives sums; put an activation or quantize node between",
           describe(node_), input_name(i));
    }
    return in;
  }

  const NodeInfo& sums_input(int i) const {
    const NodeInfo& in = infos_[node_.inputs[i]];
    if (in.codes) {
      fail("{}: needs the sums of a conv2d, linear, avg_pool or add node, but '{}' gives codes",
           describe(node_), input_name(i));
    }
    return in;
  }

  /// What a normalization reads.
  const NodeInfo& layer_input() const {
    const NodeInfo& in = sums_input(0);
    if (in.weight_count == 0) {
      fail("{}: reads '{}'; a {} must directly follow a conv2d or linear node", describe(node_),
           input_name(0), kind_name(node_.op));
    }
    return in;
  }

  void check_window(int kernel, int stride) const {
    check_between(node_, "kernel", kernel, 1, 1 << 12);
    check_between(node_, "stride", stride, 1, 1 << 12);
  }

  Shape pooled_shape(const Shape& in, int kernel, int stride) const {
    check_window(kernel, stride);
    return {in.channels, window_positions(node_, in.height, kernel, stride, 0),
            window_positions(node_, in.width, kernel, stride, 0)};
  }

  NodeInfo codes(const Shape& shape, int min_code, int max_code) const {
    NodeInfo info;
    info.shape = shape;
    info.codes = true;
    info.min_code = min_code;
    info.max_code = max_code;
    return info;
  }

  NodeInfo sums(const Shape& shape, std::int64_t max_abs_sum) const {
    if (max_abs_sum > max_int32) {
      fail("{}: its sums could reach {}, beyond 32 bits; use a smaller window", describe(node_),
           max_abs_sum);
    }
    NodeInfo info;
    info.shape = shape;
    info.max_abs_sum = max_abs_sum;
    return info;
  }

  NodeInfo weighted_sums(NodeInfo info, const NodeInfo& in, const WeightFormat& weights,
                         std::int64_t fan_in) const {
    check_weight_format(weights, describe(node_));
    const int max_weight = std::max(-weights.code.min_code(), weights.code.max_code());
    info.max_abs_sum = fan_in * max_weight * max_abs_code(in);
    if (info.max_abs_sum > max_int32) {
      fail(
          "{}: its sums could reach {}, beyond 32 bits ({} inputs, weight codes up to {}, input "
          "codes up to {}); use fewer bits or inputs",
          describe(node_), info.max_abs_sum, fan_in, max_weight, max_abs_code(in));
    }
    info.weight_count = fan_in * info.shape.channels;
    return info;
  }

  const Graph& graph_;
  const Node& node_;
  const std::vector<NodeInfo>& infos_;
};

std::size_t input_count(const Op& op) {
  if (std::holds_alternative<Input>(op)) return 0;
  return std::holds_alternative<Add>(op) ? 2 : 1;
}

void check_name(const Graph& graph, std::size_t index, std::set<std::string_view>& names) {
  const std::string& name = graph.nodes[index].name;
  if (name.empty() || name.size() > 200) {
    fail("node {}: its name has {} characters, must have 1 to 200", index, name.size());
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  });
  if (!plain) {
    fail("node {}: its name may hold only letters, digits and the characters _ - . /", index);
  }
  if (!names.insert(name).second) fail("two nodes are named '{}'", name);
}

void check_wiring(const Graph& graph) {
  if (graph.nodes.empty()) fail("the graph has no nodes");
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    check_name(graph, i, names);
    if (std::holds_alternative<Input>(node.op) != (i == 0)) {
      fail("{}: the first node, and no other, must be the input", describe(node));
    }
    if (std::holds_alternative<Output>(node.op) != (i + 1 == graph.nodes.size())) {
      fail("{}: the last node, and no other, must be the output", describe(node));
    }
    if (node.inputs.size() != input_count(node.op)) {
      fail("{}: has {} inputs, must have {}", describe(node), node.inputs.size(),
           input_count(node.op));
    }
    for (const int input : node.inputs) {
      if (input < 0 || static_cast<std::size_t>(input) >= i) {
        fail("{}: reads node number {}; must be an earlier node (0 to {})", describe(node), input,
             i - 1);
      }
    }
  }
}

/// Sums have one reader, because their affine carries that reader's step.
void check_readers(const Graph& graph, const std::vector<NodeInfo>& infos) {
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const int input : node.inputs) ++readers[input];
  }
  for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
    if (readers[i] == 0) fail("{}: no node reads it", describe(graph.nodes[i]));
    if (readers[i] > 1 && !infos[i].codes) {
      fail("{}: {} nodes read its sums; only one may", describe(graph.nodes[i]), readers[i]);
    }
  }
}

}  // namespace

std::string_view kind_name(const Op& op) { return kind_names[op.index()]; }

int Graph::find(std::string_view name) const {
  const auto it =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
  return it == nodes.end() ? -1 : static_cast<int>(it - nodes.begin());
}

std::vector<NodeInfo> check_graph(const Graph& graph) {
  check_wiring(graph);
  std::vector<NodeInfo> infos;
  infos.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    NodeInfo info = std::visit(NodeChecker(graph, node, infos), node.op);
    // Three dimensions of at most 2^20 each: their product fits 64 bits.
    if (info.shape.elements() > max_elements) {
      fail("{}: shape {} has {} elements, at most {}", describe(node), describe(info.shape),
           info.shape.elements(), max_elements);
    }
    infos.push_back(std::move(info));
  }
  check_readers(graph, infos);
  return infos;
}

Graph fold_batch_norm(const Graph& graph) {
  Graph folded;
  std::vector<int> new_index;
  for (const Node& node : graph.nodes) {
    Node copy = node;
    if (std::holds_alternative<BatchNorm>(node.op)) {
      if (!reads_activation(graph, node)) {
        new_index.push_back(new_index.at(node.inputs.at(0)));
        continue;
      }
      copy.op = ChannelAffine{};
    }
    for (int& input : copy.inputs) input = new_index.at(input);
    new_index.push_back(static_cast<int>(folded.nodes.size()));
    folded.nodes.push_back(std::move(copy));
  }
  return folded;
}

std::vector<int> weight_nodes(const Graph& graph) {
  std::vector<int> indices;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Op& op = graph.nodes[i].op;
    if (std::holds_alternative<Conv2d>(op) || std::holds_alternative<Linear>(op)) {
      indices.push_back(static_cast<int>(i));
    }
  }
  return indices;
}

const WeightFormat& weight_format(const Node& node) {
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) return conv->weights;
  FLATENN_ASSERT(std::holds_alternative<Linear>(node.op));
  return std::get<Linear>(node.op).weights;
}

}  // namespace flatenn
