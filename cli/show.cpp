// flatenn show: what a model file holds.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "flatenn/graph/dead_channels.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/layout.h"
#include "flatenn/report/table.h"

namespace flatenn::cli {
namespace {

using nlohmann::json;

/// "91.20 %" or "not measured".
std::string percent(double value) {
  return value < 0 ? "not measured" : fmt::format("{:.2f} %", value);
}

const WeightTensor* tensor_of(const Model& model, int node) {
  for (const WeightTensor& tensor : model.weights) {
    if (tensor.node == node) return &tensor;
  }
  return nullptr;
}

std::string shape_text(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

std::string input_names(const Graph& graph, const Node& node) {
  std::vector<std::string> names;
  for (const int input : node.inputs) names.push_back(graph.nodes[input].name);
  return names.empty() ? "-" : fmt::format("{}", fmt::join(names, ","));
}

Table node_table(const Model& model) {
  Table table{{"node", "kind", "reads", "shape", "codes", "weights", "bits", "encoding", "memory"},
              {}};
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    const Node& node = model.graph.nodes[i];
    const NodeInfo& info = infos[i];
    const WeightTensor* tensor = tensor_of(model, static_cast<int>(i));
    std::vector<std::string> row = {
        node.name, std::string(kind_name(node.op)), input_names(model.graph, node),
        shape_text(info.shape),
        info.codes ? fmt::format("{}..{}", info.min_code, info.max_code) : "sums"};
    if (tensor == nullptr) {
      row.insert(row.end(), {"-", "-", "-", "-"});
    } else {
      const std::size_t count = tensor->codes.size();
      row.insert(row.end(),
                 {fmt::format("{}", count), fmt::format("{}", tensor->format.bits),
                  std::string(to_string(tensor->format.encoding)),
                  fmt::format("{}", count * static_cast<std::size_t>(tensor->format.bits))});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

json recipe_json(const std::string& recipe) {
  json value = json::parse(recipe, nullptr, false);
  return value.is_discarded() ? json(recipe) : value;
}

json model_json(const std::string& path, const Model& model, const MemoryLayout& memory) {
  const Table table = node_table(model);
  json nodes = json::array();
  for (const auto& row : table.rows) {
    json node;
    for (std::size_t i = 0; i < row.size(); ++i) node[table.columns[i]] = row[i];
    nodes.push_back(node);
  }
  const ModelInfo& info = model.info;
  return {{"path", path},
          {"name", info.name},
          {"hash", model_hash(model)},
          {"dataset", info.dataset},
          {"seed", info.seed},
          {"float_accuracy", info.float_accuracy},
          {"clean_accuracy", info.clean_accuracy},
          {"sparsity", info.sparsity},
          {"weights", model.weight_count()},
          {"memory_bits", memory.bits()},
          {"dead_channels", dead_channel_count(dead_channels(model))},
          {"created_by", info.created_by},
          {"recipe", recipe_json(info.recipe)},
          {"nodes", nodes}};
}

std::string model_text(const std::string& path, const Model& model, const MemoryLayout& memory) {
  const ModelInfo& info = model.info;
  std::string text = fmt::format("{}: {}\n\n", path, info.name);
  text += aligned_text(node_table(model));
  text +=
      fmt::format("\nweights     {} in {} bits of memory\n", model.weight_count(), memory.bits());
  if (const std::string dead = describe(dead_channels(model)); !dead.empty()) {
    text += fmt::format("dead        {}\n", dead);
  }
  text += fmt::format("accuracy    float {}, quantized {} (whole test split)\n",
                      percent(info.float_accuracy), percent(info.clean_accuracy));
  text += fmt::format("sparsity    {} of the codes after ReLU are zero\n", percent(info.sparsity));
  text += fmt::format("data set    {}, seed {}\n", info.dataset, info.seed);
  text += fmt::format("made by     {}\n", info.created_by);
  text += fmt::format("hash        {}\n", model_hash(model));
  text += fmt::format("recipe      {}\n", info.recipe);
  return text;
}

}  // namespace

void add_show(CLI::App& app, Session& session) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = add_command(
      app, session, "show", "Describe a model file: graph, codes, memory, where it comes from",
      "flatenn show runs/as-saq/model.safetensors", [&session, path] {
        const Model model = load_model(*path);
        const MemoryLayout memory(model);
        if (session.json) {
          print_json(model_json(*path, model, memory));
        } else {
          print(model_text(*path, model, memory));
        }
      });
  command->add_option("MODEL", *path, "a model file")->required();
}

}  // namespace flatenn::cli
