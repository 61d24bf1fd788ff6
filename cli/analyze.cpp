// flatenn analyze: how flat the minimum is and which bits matter; without faults, or set against a
// study's.
#include "flatenn/analysis/analyze.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/analysis_text.h"
#include "flatenn/study/explain.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  DataOptions data;
  std::string study;
  std::string out, csv, bits;
  std::uint64_t sweep_maps = ExplainSettings().sweep_maps;
};

AnalysisSettings read_settings(const Session& session) {
  AnalysisSettings settings;
  read_config({{}, session.overrides, true}, [&](Binder& b) { bind(b, settings); });
  check_settings(settings);
  return settings;
}

/// A row a stored bit.
void write_bits(const std::string& path, const Model& model,
                const std::vector<WeightDerivatives>& derivatives) {
  std::string text = "tensor,element,bit,change,first,second\n";
  visit_bits(model, derivatives, [&](const BitEffect& bit) {
    const std::string& name = model.weights[static_cast<std::size_t>(bit.tensor)].name;
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{}\n", name, bit.element, bit.bit,
                   bit.change, bit.first, bit.second);
  });
  write_file(path, text);
}

void run_models(const Options& options, const Session& session) {
  const AnalysisSettings settings = read_settings(session);
  const std::vector<NamedModel> models = load_models(options.models);
  if (!options.out.empty() && models.size() > 1) {
    fail("--out: one file for {} models; analyse them one by one", models.size());
  }
  if (!options.bits.empty() && models.size() > 1) {
    fail("--bits: one file for {} models; analyse them one by one", models.size());
  }
  const Dataset data = load_data(options.data, models);
  std::vector<Analysis> analyses;
  std::string costs;
  for (const NamedModel& model : models) {
    const AnalysisInput input{model.label, model.model, data, options.data.split};
    AnalysisResult result = analyze(settings, input, session.context);
    if (!options.bits.empty()) write_bits(options.bits, model.model, result.derivatives);
    const std::string cost = cost_text(result.analysis, result.cost);
    analyses.push_back(std::move(result.analysis));
    if (session.json) {
      // What is printed does not depend on clocks.
      session.context.events->note(cost);
      print_json_line(analysis_json(analyses.back()));
    }
    costs += cost + "\n";
  }
  if (!options.out.empty()) write_file(options.out, analysis_json(analyses.front()).dump() + "\n");
  if (!options.csv.empty()) write_file(options.csv, analysis_csv(analyses));
  if (!session.json) print(analysis_text(analyses) + costs);
}

void run_study(const Options& options, Session& session) {
  if (!options.models.empty()) fail("analyze: name models or --study, not both");
  ExplainSettings settings;
  settings.analysis = read_settings(session);
  settings.sweep_maps = options.sweep_maps;
  session.resume_hint =
      fmt::format("finished analyses are in {}; the same command goes on", options.study);
  const StudyAnalysis study = explain_study(settings, options.study, session.context);
  if (!options.out.empty()) write_file(options.out, study_analysis_json(study).dump() + "\n");
  if (session.json) {
    print(study_analysis_json(study).dump() + "\n");
  } else {
    print(study_analysis_text(study));
    print(fmt::format("\nwritten to {}: analysis.json, analysis.txt\n", options.study));
  }
}

void run(const Options& options, Session& session) {
  if (!options.study.empty()) return run_study(options, session);
  if (options.models.empty()) fail("analyze: name model files, or a study's folder with --study");
  run_models(options, session);
}

}  // namespace

void add_analyze(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "analyze",
      "How flat the minimum is and which bits matter; with --study, whether that foretells faults",
      "flatenn analyze runs/as-saq/model.safetensors --set plane_points=0",
      [&session, options] { run(*options, session); });
  command->add_option("MODEL", options->models, "model files");
  command->add_option("--study", options->study, "a study's folder: analyse all its networks")
      ->type_name("FOLDER");
  command
      ->add_option("--sweep-maps", options->sweep_maps,
                   "--study: fault maps a layer and bit position for the ranking; 0: none [20]")
      ->type_name("N");
  command->add_option("--out", options->out, "write the results (JSON)")->type_name("FILE");
  command->add_option("--csv", options->csv, "write a row a network and measure")
      ->type_name("FILE");
  command->add_option("--bits", options->bits, "write a row a stored bit (CSV, large)")
      ->type_name("FILE");
  add_data_options(*command, options->data);
  add_settings(*command, session, [](Binder& b) {
    AnalysisSettings defaults;
    bind(b, defaults);
  });
}

}  // namespace flatenn::cli
