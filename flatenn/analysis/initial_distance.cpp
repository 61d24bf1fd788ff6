#include "flatenn/analysis/initial_distance.h"

#include <torch/types.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "flatenn/base/error.h"
#include "flatenn/train/module.h"
#include "flatenn/train/settings.h"

namespace flatenn {
namespace {

/// "a.b=value" for every value of a JSON object; JSON's values are TOML's too.
void add_overrides(const nlohmann::json& object, const std::string& path,
                   std::vector<std::string>& overrides) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = join_key(path, key);
    if (value.is_object()) {
      add_overrides(value, name, overrides);
    } else {
      overrides.push_back(name + "=" + value.dump());
    }
  }
}

std::optional<TrainSettings> read_recipe(const Model& model) {
  const nlohmann::json recipe = nlohmann::json::parse(model.info.recipe, nullptr, false);
  if (!recipe.is_object() || !recipe.contains("network")) return std::nullopt;
  std::vector<std::string> overrides;
  add_overrides(recipe, "", overrides);
  TrainSettings settings;
  try {
    read_config_text("", "recipe", overrides, [&](Binder& b) { bind(b, settings); });
    check_settings(settings);
  } catch (const Error&) {
    return std::nullopt;  // of another version, or told by another program
  }
  return settings;
}

/// The masters before training, by node name; undefined where there is none of that shape.
torch::Tensor find_master(const Module& module, const std::string& node, const WeightTensor& like) {
  const int index = module.graph().find(node);
  if (index < 0) return {};
  torch::Tensor master = module.find(index, ParameterKind::weight);
  const std::vector<std::int64_t> shape(like.shape.begin(), like.shape.end());
  if (!master.defined() || master.sizes() != torch::IntArrayRef(shape)) return {};
  return master.detach().to(torch::kFloat64);
}

}  // namespace

std::vector<InitialDistance> initial_distances(const Model& model, const Dataset& data) {
  const std::optional<TrainSettings> settings = read_recipe(model);
  if (!settings || settings->network.quantizer == WeightQuantizer::saq) return {};
  const Module module(build_training_graph(*settings, data), settings->seed, torch::kCPU);
  std::vector<InitialDistance> distances;
  for (const WeightTensor& tensor : model.weights) {
    const std::string& node = model.graph.nodes[static_cast<std::size_t>(tensor.node)].name;
    const torch::Tensor start = find_master(module, node, tensor);
    if (!start.defined()) return {};
    const torch::Tensor codes =
        torch::from_blob(const_cast<std::int8_t*>(tensor.codes.data()), start.sizes(), torch::kInt8)
            .to(torch::kFloat64);
    const torch::Tensor now =
        codes * static_cast<double>(tensor.scale) + static_cast<double>(tensor.offset);
    distances.push_back(
        {tensor.name, (now - start).norm().item<double>() / start.norm().item<double>()});
  }
  return distances;
}

}  // namespace flatenn
