// flatenn tolerance: the highest fault rate, and the lowest voltage, that a network lives with.
#include "flatenn/analysis/tolerance.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/analysis/voltage.h"
#include "flatenn/base/error.h"
#include "flatenn/report/tolerance_text.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  ToleranceSettings tolerance;
  double confidence = 95;
  std::optional<double> resolution;
  std::optional<std::uint64_t> max_maps;
  std::string store, voltage;
  FaultOptions faults;
  DataOptions data;
};

CampaignSettings search_settings(const Options& options, const Session& session) {
  if (options.faults.maps) fail("--maps: the search chooses their number; see --max-maps");
  if (options.resolution && !options.faults.rates.empty()) {
    fail("--resolution: the rates are those of --rates; leave one of the two out");
  }
  CampaignSettings defaults = default_settings(options.data.split);
  defaults.rates = tolerance_rates(options.resolution.value_or(1.1));
  CampaignSettings settings = read_settings(options.faults, session, std::move(defaults));
  if (options.max_maps) settings.max_maps = *options.max_maps;
  return settings;
}

void run(const Options& options, Session& session) {
  ToleranceSettings tolerance = options.tolerance;
  tolerance.confidence = options.confidence / 100;
  const CampaignSettings settings = search_settings(options, session);
  std::optional<VoltageTable> table;
  if (!options.voltage.empty()) table = read_voltage_table(options.voltage);
  const std::vector<NamedModel> named = load_models(options.models);
  const Dataset data = load_data(options.data, named);
  std::vector<CampaignModel> models;
  for (const NamedModel& model : named) models.push_back({model.label, &model.model});
  check_tolerance(tolerance, settings, models, data);
  std::optional<Store> store;
  if (!options.store.empty()) {
    if (!std::filesystem::exists(options.store)) {
      // A question that is refused leaves no store behind.
      check_networks(tolerance, settings, models, data, options.data.split, nullptr,
                     session.context);
    }
    store = Store::open(options.store);
    check_unchanged(models, *store);
    session.resume_hint =
        fmt::format("finished trials are in {}; the same command goes on", options.store);
  }
  const std::vector<ModelTolerance> found =
      measure_tolerance(tolerance, settings, models, data, options.data.split,
                        store ? &*store : nullptr, session.context);
  const ToleranceReport report{tolerance, settings.rates.size(), settings.max_maps, found,
                               table,     options.voltage};
  if (session.json) return print_json(tolerance_json(report));
  print(tolerance_text(report));
}

}  // namespace

void add_tolerance(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "tolerance", "The highest fault rate, and lowest voltage, a network lives with",
      "flatenn tolerance runs/*/model.safetensors --loss 1.0 --kinds flip,stuck0,stuck1 \\\n"
      "      --store tolerance.db --voltage configs/voltage/vc707-bram.csv",
      [&session, options] { run(*options, session); });
  command->add_option("MODELS", options->models, "model files")->required();
  command->add_option("--loss", options->tolerance.loss, "points of clean accuracy to give up [1]")
      ->type_name("POINTS");
  command
      ->add_option("--voltage", options->voltage,
                   "table of voltage against bit error rate (docs/tolerance.md)")
      ->type_name("FILE.csv");
  command->add_option("--store", options->store, "results (SQLite); continued when it exists")
      ->type_name("FILE");
  command
      ->add_option("--resolution", options->resolution,
                   "ratio of neighbouring rates, from 1e-5 to 0.5, that are told apart [1.1]")
      ->type_name("RATIO");
  command->add_option("--max-maps", options->max_maps,
                      "at most so many maps at a rate; more narrow the answer [2000]");
  command
      ->add_option("--confidence", options->confidence, "of both ends of an answer together [95]")
      ->type_name("PERCENT");
  add_fault_options(*command, session, options->faults);
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
