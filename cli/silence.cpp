// flatenn silence: a network whose channels without a stored weight pass on no fault.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "flatenn/graph/dead_channels.h"
#include "flatenn/graph/model.h"
#include "flatenn/report/table.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string model, out;
};

void run(const Options& options, const Session& session) {
  Model model = load_model(options.model);
  const std::vector<DeadChannels> dead = dead_channels(model);
  const std::size_t count = dead_channel_count(dead);
  Table table{{"layer", "dead channels", "of", "largest multiplier / median of others"}, {}};
  nlohmann::json layers = nlohmann::json::array();
  for (const DeadChannels& layer : dead) {
    const WeightTensor& weights = model.weights[static_cast<std::size_t>(layer.tensor)];
    const std::string& name = model.graph.nodes[static_cast<std::size_t>(weights.node)].name;
    table.rows.push_back({name, fmt::format("{}", layer.channels.size()),
                          fmt::format("{}", weights.shape.front()),
                          fmt::format("{:.1f}", layer.gain)});
    layers.push_back({{"layer", name}, {"channels", layer.channels}, {"gain", layer.gain}});
  }
  if (count > 0) model.info.name += ", silenced";
  model = silence_dead_channels(std::move(model));
  save_model(model, options.out);
  if (session.json) {
    return print_json({{"format", 1},
                       {"out", options.out},
                       {"hash", model_hash(model)},
                       {"silenced", count},
                       {"layers", layers}});
  }
  if (count > 0) print(aligned_text(table) + "\n");
  print(fmt::format("{}: {} channels silenced; without faults it answers as before\n", options.out,
                    count));
}

}  // namespace

void add_silence(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "silence",
      "Write the network whose channels without a stored weight pass on no fault: the same answers "
      "from clean memory, at no cost",
      "flatenn silence runs/sparse/model.safetensors --out silent.safetensors",
      [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->model, "a model file")->required();
  command->add_option("--out", options->out, "where to write it")->required()->type_name("FILE");
}

}  // namespace flatenn::cli
