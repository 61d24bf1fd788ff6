// flatenn attack: how few chosen bit flips destroy a network, beside as many by chance.
#include "flatenn/analysis/attack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/attack_text.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models, methods, flips, exposed;
  std::optional<int> restarts, threads;
  std::optional<std::uint64_t> images, test_images, seed;
  std::string known_split = "validation";
  std::string out, maps_out;
  DataOptions data;
};

std::vector<int> read_budgets(const std::vector<std::string>& words) {
  std::vector<int> budgets;
  for (const double value : expand_grid(fmt::format("{}", fmt::join(words, ",")), "--flips")) {
    if (value != std::floor(value) || std::abs(value) > std::numeric_limits<int>::max()) {
      fail("--flips: {} is not a number of bits", value);
    }
    budgets.push_back(static_cast<int>(value));
  }
  return budgets;
}

/// Defaults < environment < --set < options of their own.
AttackSettings read_settings(const Options& options, const Session& session) {
  AttackSettings settings;
  read_config({{}, session.overrides, true}, [&](Binder& b) { bind(b, settings); });
  if (!options.methods.empty()) settings.methods = split_list(options.methods);
  if (!options.flips.empty()) settings.flips = read_budgets(options.flips);
  if (!options.exposed.empty()) settings.exposed = split_list(options.exposed);
  if (options.restarts) settings.restarts = *options.restarts;
  if (options.threads) settings.threads = *options.threads;
  if (options.images) settings.images = *options.images;
  if (options.test_images) settings.test_images = *options.test_images;
  if (options.seed) settings.seed = *options.seed;
  check_settings(settings);
  return settings;
}

/// One file a method and budget.
void write_maps(const std::filesystem::path& folder, const AttackResult& result) {
  make_folder(folder);
  for (const AttackOutcome& outcome : result.outcomes) {
    const std::string name = fmt::format("{}-{}.map", to_string(outcome.method), outcome.budget);
    write_fault_map_file(folder / name, attack_map(result, outcome.strongest()));
  }
}

void run(const Options& options, const Session& session) {
  const AttackSettings settings = read_settings(options, session);
  const std::vector<NamedModel> models = load_models(options.models);
  if (!options.maps_out.empty() && models.size() > 1) {
    fail("--maps-out: one folder for {} models; attack them one by one", models.size());
  }
  DataOptions known_data = options.data;
  known_data.split = options.known_split;
  const Dataset test = load_data(options.data, models);
  const Dataset known = load_data(known_data, models);
  std::vector<AttackResult> results;
  for (const NamedModel& model : models) {
    const AttackInput input{model.label,         model.model, known,
                            options.known_split, test,        options.data.split};
    results.push_back(attack(settings, input, session.context));
  }
  const nlohmann::ordered_json json = attack_json(results);
  if (!options.out.empty()) {
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    write_file(options.out, json.dump(-1, ' ', false, replace) + "\n");
  }
  if (!options.maps_out.empty()) write_maps(options.maps_out, results.front());
  if (session.json) return print_json_line(json);
  print(attack_text(results));
}

void add_attack_options(CLI::App& command, Options& options) {
  command
      .add_option("--flips", options.flips,
                  "budgets: bits that an attack may flip [1,2,5,10,20,40,80,160,320]")
      ->type_name("LIST")
      ->expected(1);
  command
      .add_option("--methods,--method", options.methods,
                  "how bits are chosen: progressive,gradient,random [all]")
      ->type_name("LIST")
      ->expected(1);
  command.add_option("--restarts", options.restarts, "runs of gradient and of random [5]");
  command.add_option("--images", options.images, "images that the attack knows, the first n [256]");
  command.add_option("--known-split", options.known_split, "where they are from [validation]")
      ->type_name("NAME");
  command.add_option("--test-images", options.test_images,
                     "images that damage is measured on, the first n [all]");
  command
      .add_option("--expose", options.exposed,
                  "weights that can be attacked, NAME[:BITS]: conv1.*,fc3.*,*:top,*:0-1 [all]")
      ->type_name("LIST")
      ->expected(1);
  command.add_option("--seed", options.seed, "seed of all draws [0]");
  command.add_option("--threads", options.threads, "0: all processors");
  command.add_option("--out", options.out, "write the results (JSON)")->type_name("FILE");
  command
      .add_option("--maps-out", options.maps_out,
                  "write the flipped cells as fault maps, METHOD-FLIPS.map")
      ->type_name("FOLDER");
}

}  // namespace

void add_attack(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "attack",
      "How few chosen bit flips destroy a network, beside as many by chance",
      "flatenn attack runs/as-saq/model.safetensors --flips 1,10,100 --methods progressive,random",
      [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->models, "model files")->required();
  add_attack_options(*command, *options);
  add_data_options(*command, options->data);
  add_settings(*command, session, [](Binder& b) {
    AttackSettings defaults;
    bind(b, defaults);
  });
}

}  // namespace flatenn::cli
