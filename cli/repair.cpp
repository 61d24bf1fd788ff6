// flatenn repair: what recalibrating the normalisation gives back to a network in faulty memory.
#include "flatenn/analysis/repair.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/base/error.h"
#include "flatenn/report/repair_text.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::uint64_t calibration = 500;
  std::string calibration_split = "validation";
  FaultOptions faults;
  DataOptions data;
};

void run(const Options& options, Session& session) {
  const CampaignSettings settings =
      read_settings(options.faults, session, default_settings(options.data.split));
  if (options.calibration_split == options.data.split) {
    fail("--calibration-split: the {} images are those that accuracy is measured on",
         options.data.split);
  }
  const std::vector<NamedModel> models = load_models(options.models);
  const Dataset test = campaign_images(settings, load_data(options.data, models));
  DataOptions calibration_options = options.data;
  calibration_options.split = options.calibration_split;
  const Dataset calibration = load_data(calibration_options, models);
  std::vector<RepairReport> reports;
  for (const NamedModel& model : models) {
    reports.push_back({model.label, test.name, options.data.split, options.calibration_split,
                       options.calibration, test.size(),
                       measure_repair(model.model, settings, calibration, options.calibration, test,
                                      session.context)});
  }
  if (session.json) return print_json(repair_json(reports));
  print(repair_text(reports));
}

}  // namespace

void add_repair(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "repair",
      "What recalibrating the normalisation on unlabelled images gives back to faulty networks",
      "flatenn repair runs/as-saq/model.safetensors --kinds flip --rates 0.01,0.05 --maps 20",
      [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->models, "model files")->required();
  command
      ->add_option("--calibration", options->calibration,
                   "images, without labels, to recalibrate on [500]")
      ->type_name("N");
  command
      ->add_option("--calibration-split", options->calibration_split,
                   "where they come from: the first of train, validation or test [validation]")
      ->type_name("SPLIT");
  add_fault_options(*command, session, options->faults);
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
