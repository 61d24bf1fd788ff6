#include "flatenn/graph/graph_json.h"

#include <limits>
#include <map>
#include <string>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// check_graph sets the real limits, with better words.
constexpr int any_low = std::numeric_limits<int>::min();
constexpr int any_high = std::numeric_limits<int>::max();

ordered_json weights_to_json(const WeightFormat& format, const WeightTensor& tensor) {
  return {{"bits", format.code.bits},
          {"encoding", to_string(format.code.encoding)},
          {"saturating", format.code.saturating},
          {"quantizer", to_string(format.quantizer)},
          {"scale", tensor.scale},
          {"offset", tensor.offset}};
}

/// Writes what is particular to a node's kind.
struct OpWriter {
  ordered_json& out;
  const WeightTensor* tensor;  ///< of this node; null for kinds without weights

  void operator()(const Input& op) const {
    out["channels"] = op.channels;
    out["height"] = op.height;
    out["width"] = op.width;
    out["scale"] = op.scale;
    out["zero_point"] = op.zero_point;
  }
  void operator()(const Conv2d& op) const {
    out["out_channels"] = op.out_channels;
    window(op.kernel, op.stride);
    out["padding"] = op.padding;
    out["bias"] = op.bias;
    out["weights"] = weights_to_json(op.weights, *tensor);
  }
  void operator()(const Linear& op) const {
    out["out_features"] = op.out_features;
    out["bias"] = op.bias;
    out["weights"] = weights_to_json(op.weights, *tensor);
  }
  void operator()(const GroupNorm& op) const {
    out["groups"] = op.groups;
    out["epsilon"] = op.epsilon;
  }
  void operator()(const Activation& op) const { out["bits"] = op.bits; }
  void operator()(const Quantize& op) const { out["bits"] = op.bits; }
  void operator()(const MaxPool& op) const { window(op.kernel, op.stride); }
  void operator()(const AvgPool& op) const { window(op.kernel, op.stride); }
  void operator()(const BatchNorm&) const { FLATENN_ASSERT(!"batch_norm in a model"); }
  void operator()(const ChannelAffine&) const {}
  void operator()(const Add&) const {}
  void operator()(const Flatten&) const {}
  void operator()(const Output&) const {}

  void window(int kernel, int stride) const {
    out["kernel"] = kernel;
    out["stride"] = stride;
  }
};

WeightFormat read_weights(JsonReader& node, WeightTensor& tensor) {
  JsonReader reader(node.value("weights"), node.where() + ": weights");
  WeightFormat format;
  format.code.bits = reader.integer("bits", 2, 8);
  format.code.encoding = parse_encoding(reader.text("encoding", "twos_complement"));
  format.code.saturating = reader.boolean("saturating", false);
  format.quantizer = parse_weight_quantizer(reader.text("quantizer", "lsq"));
  tensor.scale = reader.real("scale");
  tensor.offset = reader.real("offset", 0.0f);
  tensor.format = format.code;
  reader.refuse_unknown_keys();
  return format;
}

template <class Pool>
Pool read_pool(JsonReader& reader) {
  return {reader.integer("kernel", any_low, any_high), reader.integer("stride", any_low, any_high)};
}

Op read_op(JsonReader& reader, const std::string& kind, WeightTensor& tensor) {
  const auto size = [&](const char* key) { return reader.integer(key, any_low, any_high); };
  if (kind == "input") {
    return Input{size("channels"), size("height"), size("width"), reader.real("scale"),
                 size("zero_point")};
  }
  if (kind == "conv2d") {
    return Conv2d{size("out_channels"),
                  size("kernel"),
                  reader.integer("stride", any_low, any_high, 1),
                  reader.integer("padding", any_low, any_high, 0),
                  reader.boolean("bias", true),
                  read_weights(reader, tensor)};
  }
  if (kind == "linear") {
    return Linear{size("out_features"), reader.boolean("bias", true), read_weights(reader, tensor)};
  }
  if (kind == "channel_affine") return ChannelAffine{};
  if (kind == "group_norm") return GroupNorm{size("groups"), reader.real("epsilon", 1e-5f)};
  if (kind == "activation") return Activation{size("bits")};
  if (kind == "quantize") return Quantize{size("bits")};
  if (kind == "max_pool") return read_pool<MaxPool>(reader);
  if (kind == "avg_pool") return read_pool<AvgPool>(reader);
  if (kind == "add") return Add{};
  if (kind == "flatten") return Flatten{};
  if (kind == "output") return Output{};
  fail(
      "{}: unknown kind '{:.40}'; known: input, conv2d, linear, channel_affine, group_norm, "
      "activation, quantize, max_pool, avg_pool, add, flatten, output",
      reader.where(), kind);
}

}  // namespace

ordered_json nodes_to_json(const Model& model) {
  ordered_json nodes = ordered_json::array();
  auto tensor = model.weights.begin();
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    const Node& node = model.graph.nodes[i];
    ordered_json out = {{"name", node.name}, {"kind", kind_name(node.op)}};
    out["inputs"] = ordered_json::array();
    for (const int input : node.inputs) out["inputs"].push_back(model.graph.nodes[input].name);
    const bool weighted = tensor != model.weights.end() && tensor->node == static_cast<int>(i);
    std::visit(OpWriter{out, weighted ? &*tensor++ : nullptr}, node.op);
    out["step"] = model.steps[i];
    nodes.push_back(std::move(out));
  }
  return nodes;
}

void nodes_from_json(const json& nodes, std::string_view where, Model& model) {
  if (!nodes.is_array()) fail("{}: 'nodes' must be an array", where);
  std::map<std::string, int> index_of;
  for (const json& entry : nodes) {
    const int index = static_cast<int>(model.graph.nodes.size());
    Node node;
    node.name = JsonReader(entry, fmt::format("{}: node number {}", where, index)).text("name");
    JsonReader reader(entry, fmt::format("{}: node '{:.100}'", where, node.name));
    reader.value("name");
    const std::string kind = reader.text("kind");
    for (const std::string& input :
         string_list(reader.array("inputs"), reader.where() + ": inputs")) {
      const auto it = index_of.find(input);
      if (it == index_of.end()) {
        fail("{}: reads '{:.100}', which is not the name of an earlier node", reader.where(),
             input);
      }
      node.inputs.push_back(it->second);
    }
    WeightTensor tensor;
    node.op = read_op(reader, kind, tensor);
    model.steps.push_back(reader.real("step", 1.0f));
    reader.refuse_unknown_keys();
    if (kind == "conv2d" || kind == "linear") {
      tensor.node = index;
      tensor.name = node.name + ".weight";
      model.weights.push_back(std::move(tensor));
    }
    if (!index_of.emplace(node.name, index).second) {
      fail("{}: two nodes are named '{:.100}'", where, node.name);
    }
    model.graph.nodes.push_back(std::move(node));
  }
}

}  // namespace flatenn
