// The model file: how a Model lies in a safetensors container. docs/formats.md is its
// specification.
#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"
#include "flatenn/graph/graph_json.h"
#include "flatenn/graph/model.h"
#include "flatenn/graph/safetensors.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr char metadata_key[] = "flatenn";
constexpr int format_version = 3;

/// The lowest version that knows every kind and quantizer in the graph: files without newer ones
/// stay readable for older programs, and equal to those that these wrote.
int version_of(const Graph& graph) {
  int version = 1;
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<GroupNorm>(node.op)) version = std::max(version, 2);
    if (std::holds_alternative<ChannelAffine>(node.op)) version = std::max(version, 3);
  }
  for (const int node : weight_nodes(graph)) {
    const WeightFormat& format = weight_format(graph.nodes[static_cast<std::size_t>(node)]);
    if (format.quantizer == WeightQuantizer::symmetric) version = std::max(version, 3);
  }
  return version;
}

/// Affine tensors in graph order, then codes: floats stay aligned in the file.
std::vector<TensorView> tensors_of(const Model& model) {
  std::vector<TensorView> tensors;
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    const std::string& name = model.graph.nodes[i].name;
    const auto add = [&](const char* what, const std::vector<float>& values) {
      if (values.empty()) return;
      tensors.push_back({name + what,
                         DType::f32,
                         {static_cast<std::int64_t>(values.size())},
                         std::as_bytes(std::span(values))});
    };
    add(".multiplier", model.affine[i].multiplier);
    add(".window_multiplier", model.affine[i].window_multiplier);
    add(".addend", model.affine[i].addend);
  }
  for (const WeightTensor& tensor : model.weights) {
    tensors.push_back({tensor.name,
                       DType::i8,
                       {tensor.shape.begin(), tensor.shape.end()},
                       std::as_bytes(std::span(tensor.codes))});
  }
  return tensors;
}

ordered_json info_to_json(const ModelInfo& info) {
  return {{"name", info.name},
          {"dataset", info.dataset},
          {"class_names", info.class_names},
          {"seed", info.seed},
          {"float_accuracy", info.float_accuracy},
          {"clean_accuracy", info.clean_accuracy},
          {"sparsity", info.sparsity},
          {"created_by", info.created_by},
          {"recipe", ordered_json(json::parse(info.recipe))}};
}

ModelInfo info_from_json(const json& value, const std::string& where) {
  JsonReader reader(value, where);
  ModelInfo info;
  info.name = reader.text("name", "");
  info.dataset = reader.text("dataset", "");
  if (reader.has("class_names")) {
    info.class_names = string_list(reader.array("class_names"), where + ": class_names");
  }
  info.seed = reader.unsigned_integer("seed", 0);
  info.float_accuracy = reader.number("float_accuracy", -1);
  info.clean_accuracy = reader.number("clean_accuracy", -1);
  info.sparsity = reader.number("sparsity", -1);
  info.created_by = reader.text("created_by", "");
  if (reader.has("recipe")) info.recipe = reader.value("recipe").dump();
  return info;
}

/// Takes tensors out of a file one by one, checking that nothing is missing, wrong or left.
class TensorShelf {
 public:
  explicit TensorShelf(const std::vector<TensorView>& tensors) {
    for (const TensorView& tensor : tensors) tensors_[tensor.name] = &tensor;
  }

  bool has(const std::string& name) const { return tensors_.contains(name); }

  const TensorView& take(const std::string& name, DType dtype) {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) fail("the tensor '{}' is missing", name);
    const TensorView& tensor = *it->second;
    tensors_.erase(it);
    if (tensor.dtype != dtype) {
      fail("tensor '{}': dtype {}, must be {}", name, to_string(tensor.dtype), to_string(dtype));
    }
    return tensor;
  }

  std::vector<float> take_floats(const std::string& name) {
    const TensorView& tensor = take(name, DType::f32);
    if (tensor.shape.size() != 1) fail("tensor '{}': must have one dimension", name);
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }

  void refuse_left_over() const {
    if (!tensors_.empty()) {
      fail("tensor '{:.100}': belongs to no node of the graph", tensors_.begin()->first);
    }
  }

 private:
  std::map<std::string, const TensorView*> tensors_;
};

void read_tensors(const std::vector<TensorView>& tensors, Model& model) {
  TensorShelf shelf(tensors);
  for (const Node& node : model.graph.nodes) {
    NodeAffine affine;
    const auto take = [&](const char* what, std::vector<float>& values) {
      if (shelf.has(node.name + what)) values = shelf.take_floats(node.name + what);
    };
    take(".multiplier", affine.multiplier);
    take(".window_multiplier", affine.window_multiplier);
    take(".addend", affine.addend);
    model.affine.push_back(std::move(affine));
  }
  for (WeightTensor& weights : model.weights) {
    const TensorView& tensor = shelf.take(weights.name, DType::i8);
    for (const std::int64_t size : tensor.shape) {
      if (size > std::int64_t{1} << 30) fail("tensor '{}': a size of {}", weights.name, size);
      weights.shape.push_back(static_cast<int>(size));
    }
    weights.codes.resize(tensor.bytes.size());
    std::memcpy(weights.codes.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  shelf.refuse_left_over();
}

json read_header(const Safetensors& content) {
  const auto it = content.metadata.find(metadata_key);
  if (it == content.metadata.end()) {
    fail("a safetensors file, but not a FlatENN model: no '{}' under __metadata__", metadata_key);
  }
  json header = parse_strict_json(it->second, "model header");
  JsonReader reader(header, "model header");
  const int version = reader.integer("version", 1, 1 << 30);
  if (version > format_version) {
    fail("written in format version {}, this program reads up to {}; upgrade FlatENN to read it",
         version, format_version);
  }
  return header;
}

}  // namespace

std::vector<std::byte> serialize_model(const Model& model) {
  check_model(model);
  const ordered_json header = {{"version", version_of(model.graph)},
                               {"nodes", nodes_to_json(model)},
                               {"info", info_to_json(model.info)}};
  try {
    return write_safetensors({{{metadata_key, header.dump()}}, tensors_of(model)});
  } catch (const json::type_error&) {
    fail("the name, dataset, class names and origin of a model must be UTF-8 text");
  }
}

Model parse_model(std::span<const std::byte> bytes, std::string_view where) {
  const Safetensors content = read_safetensors(bytes, where);
  try {
    const json header = read_header(content);
    JsonReader reader(header, "model header");
    Model model;
    nodes_from_json(reader.array("nodes"), "model header", model);
    if (const int needed = version_of(model.graph);
        reader.integer("version", 1, 1 << 30) < needed) {
      fail(
          "model header: holds a kind of node or a quantizer of format version {}; its 'version' "
          "must say so",
          needed);
    }
    read_tensors(content.tensors, model);
    if (reader.has("info")) model.info = info_from_json(reader.value("info"), "model header: info");
    check_model(model);
    return model;
  } catch (const Error& e) {
    fail("{}: {}", where, e.what());
  }
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file(path, serialize_model(model));
}

Model load_model(const std::filesystem::path& path) {
  return parse_model(read_file(path), path.string());
}

std::string model_hash(const Model& model) {
  Hasher hasher;
  hasher.add(nodes_to_json(model).dump());
  for (const TensorView& tensor : tensors_of(model)) hasher.add(tensor.bytes);
  return hasher.hex();
}

}  // namespace flatenn
