// flatenn campaign: measure networks under many fault maps.
#include "flatenn/campaign/campaign.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/report/summary.h"
#include "flatenn/report/tables.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string store;
  FaultOptions faults;
  DataOptions data;
};

void run(const Options& options, Session& session) {
  const CampaignSettings settings =
      read_settings(options.faults, session, default_settings(options.data.split));
  const std::vector<NamedModel> models = load_models(options.models);
  const Dataset data = load_data(options.data, models);
  std::vector<CampaignModel> campaign;
  for (const NamedModel& model : models) campaign.push_back({model.label, &model.model});
  check_campaign(settings, campaign, data);
  Store store = Store::open(options.store);
  session.resume_hint =
      fmt::format("finished trials are in {}; the same command goes on", options.store);
  run_campaign(settings, campaign, data, options.data.split, store, session.context);
  const std::vector<SubjectSummary> summaries = summarize(store);
  print(session.json ? summary_json(summaries) : summary_text(summaries));
}

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "campaign", "Measure networks under many fault maps; resumes where it stopped",
      "flatenn campaign runs/*/model.safetensors --kinds flip,stuck0,stuck1 \\\n"
      "      --rates 1e-3..5e-2:8 --maps 50 --store faults.db",
      [&session, options] { run(*options, session); });
  command->add_option("MODELS", options->models, "model files")->required();
  command->add_option("--store", options->store, "results (SQLite); continued when it exists")
      ->type_name("FILE")
      ->required();
  add_fault_options(*command, session, options->faults);
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
