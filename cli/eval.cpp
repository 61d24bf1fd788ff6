// flatenn eval: float, quantized and faulty accuracy of model files, side by side.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/report/summary.h"
#include "flatenn/report/tables.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  FaultOptions faults;
  DataOptions data;
};

/// Clean accuracy and sparsity are measured, float accuracy is the header's; faults only when a
/// rate was given.
SubjectSummary evaluate(const CampaignSettings& settings, const NamedModel& model,
                        const Dataset& images, const std::string& split, bool faults,
                        const Session& session) {
  const CampaignModel named{model.label, &model.model};
  Subject subject = campaign_subject(settings, named, images, split);
  const auto evaluator = make_evaluator(settings.engine, model.model, images);
  std::vector<std::uint8_t> clean(images.size());
  classify_until(*evaluator, clean, session.context.stop);
  throw_if_stopped(session.context);
  subject.clean_correct = count_equal(clean, images.labels);
  subject.sparsity = activation_sparsity(*evaluator, model.model, images);
  std::vector<Trial> trials;
  if (faults) trials = measure_trials(settings, named, images, session.context, clean);
  return summarize(subject, trials);
}

void run(const Options& options, Session& session) {
  const CampaignSettings settings =
      read_settings(options.faults, session, default_settings(options.data.split));
  const bool faults = !options.faults.rates.empty();
  const std::vector<NamedModel> models = load_models(options.models);
  const Dataset images = campaign_images(settings, load_data(options.data, models));
  std::vector<SubjectSummary> summaries;
  for (const NamedModel& model : models) {
    summaries.push_back(evaluate(settings, model, images, options.data.split, faults, session));
  }
  print(session.json ? summary_json(summaries) : overview_text(summaries));
}

}  // namespace

void add_eval(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, session, "eval",
                  "Accuracy of models: float, quantized, and under faults when --rate is given",
                  "flatenn eval runs/as-saq/model.safetensors --kind flip --rate 0.01 --maps 20",
                  [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->models, "model files")->required();
  add_fault_options(*command, session, options->faults);
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
