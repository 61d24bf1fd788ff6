// flatenn transient: how many answers change when one layer computes wrongly.
#include "flatenn/analysis/transient.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "flatenn/base/error.h"
#include "flatenn/report/transient_text.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string shape = "line";
  TransientSettings settings;
  DataOptions data;
};

MaskShape parse_shape(const std::string& name) {
  const auto& names = mask_shape_names();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) fail("--shape: unknown shape '{}'{}", name, suggestion(name, names));
  return static_cast<MaskShape>(found - names.begin());
}

void run(const Options& options, Session& session) {
  TransientSettings settings = options.settings;
  settings.shape = parse_shape(options.shape);
  const std::vector<NamedModel> models = load_models(options.models);
  const Dataset data = load_data(options.data, models);
  std::vector<TransientReport> reports;
  for (const NamedModel& model : models) {
    reports.push_back({model.label, data.name, options.data.split, settings,
                       measure_transient(settings, model.model, data, session.context)});
  }
  if (session.json) return print_json(transient_json(reports));
  print(transient_text(reports));
}

}  // namespace

void add_transient(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, session, "transient",
                  "How many answers change when a layer computes wrongly for a moment",
                  "flatenn transient runs/*/model.safetensors --errors 3,10,100 --shape square",
                  [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->models, "model files")->required();
  command
      ->add_option("--errors", options->settings.errors,
                   "what a patch of a layer's sums is multiplied by, either sign [3,10,100,10000]")
      ->delimiter(',')
      ->type_name("FACTORS");
  command->add_option("--shape", options->shape,
                      "of the patch: line, square, random, channel or pixel [line]");
  command->add_flag("!--unclipped", options->settings.clips,
                    "activations do not clip to their codes: what a plain ReLU would pass on");
  command->add_option("--images", options->settings.images, "the first n images; 0: all [0]");
  command->add_option("--seed", options->settings.seed, "of patches and signs [0]");
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
