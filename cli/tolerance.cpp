// flatenn tolerance: the highest fault rate, and the lowest voltage, that a network lives with.
#include "flatenn/analysis/tolerance.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/analysis/voltage.h"
#include "flatenn/base/error.h"
#include "flatenn/report/table.h"

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

double clean_percent(const Subject& subject) {
  return 100.0 * static_cast<double>(subject.clean_correct) / static_cast<double>(subject.images);
}

nlohmann::json point_json(const std::optional<OperatingPoint>& point) {
  if (!point) return nullptr;
  return {{"voltage", point->voltage},
          {"energy_saved", point->energy_saved},
          {"end_of_table", point->end_of_table}};
}

nlohmann::json kind_json(const KindTolerance& found, const std::optional<VoltageTable>& table) {
  const ToleranceAnswer& answer = found.answer;
  nlohmann::json json = {{"kind", to_string(found.kind)},
                         {"rate", answer.rate},
                         {"lo", answer.lo},
                         {"hi", answer.bounded ? nlohmann::json(answer.hi) : nullptr},
                         {"trials", answer.maps},
                         {"looked_at", nlohmann::json::array()}};
  for (const RateEvidence& at : answer.rates) {
    const char* shown = at.shown == MeanSide::open    ? "open"
                        : at.shown == MeanSide::above ? "tolerated"
                                                      : "not tolerated";
    json["looked_at"].push_back(
        {{"rate", at.rate}, {"maps", at.maps}, {"loss", 100 * at.loss}, {"shown", shown}});
  }
  if (table) {
    json["at_rate"] = point_json(lowest_voltage(*table, answer.rate));
    json["at_lo"] = point_json(lowest_voltage(*table, answer.lo));
  }
  return json;
}

nlohmann::json result_json(const Options& options, const CampaignSettings& settings,
                           const std::vector<ModelTolerance>& found,
                           const std::optional<VoltageTable>& table) {
  nlohmann::json json = {{"format", 1},
                         {"loss", options.tolerance.loss},
                         {"confidence", options.confidence},
                         {"rates", settings.rates.size()},
                         {"max_maps", settings.max_maps},
                         {"models", nlohmann::json::array()}};
  if (table) json["energy"] = table->has_energy ? "table" : "voltage squared";
  for (const ModelTolerance& model : found) {
    nlohmann::json kinds = nlohmann::json::array();
    for (const KindTolerance& kind : model.kinds) kinds.push_back(kind_json(kind, table));
    json["models"].push_back({{"model", model.subject.label},
                              {"model_hash", model.subject.model_hash},
                              {"dataset", model.subject.dataset},
                              {"split", model.subject.split},
                              {"images", model.subject.images},
                              {"exposure", model.subject.exposure},
                              {"source", model.subject.source},
                              {"clean", clean_percent(model.subject)},
                              {"kinds", std::move(kinds)}});
  }
  return json;
}

/// "0.86 V", "0.54 V (end)", "none".
std::string voltage_text(const std::optional<OperatingPoint>& point) {
  if (!point) return "none";
  return fmt::format("{:.3f}{}", point->voltage, point->end_of_table ? " (end)" : "");
}

std::string saved_text(const std::optional<OperatingPoint>& point) {
  return point ? fmt::format("{:.1f}", 100 * point->energy_saved) : "-";
}

Table result_table(const std::vector<ModelTolerance>& found,
                   const std::optional<VoltageTable>& table) {
  Table text{{"model", "kind", "clean %", "rate %", "at least %", "below %", "trials"}, {}};
  if (table) {
    for (const char* name : {"V", "saved %", "V at least", "saved % "})
      text.columns.push_back(name);
  }
  for (const ModelTolerance& model : found) {
    for (const auto& [kind, answer] : model.kinds) {
      std::vector<std::string>& row = text.rows.emplace_back();
      row = {model.subject.label,
             std::string(to_string(kind)),
             fmt::format("{:.2f}", clean_percent(model.subject)),
             fmt::format("{:.3g}", 100 * answer.rate),
             fmt::format("{:.3g}", 100 * answer.lo),
             answer.bounded ? fmt::format("{:.3g}", 100 * answer.hi) : "-",
             fmt::format("{}", answer.maps)};
      if (!table) continue;
      for (const double rate : {answer.rate, answer.lo}) {
        const auto point = lowest_voltage(*table, rate);
        row.push_back(voltage_text(point));
        row.push_back(saved_text(point));
      }
    }
  }
  return text;
}

std::string result_text(const Options& options, const CampaignSettings& settings,
                        const std::vector<ModelTolerance>& found,
                        const std::optional<VoltageTable>& table) {
  const Subject& subject = found.front().subject;
  std::string text = fmt::format(
      "Highest fault rate that costs at most {:g} point{} of clean accuracy (mean over fault maps, "
      "{} {} images of {}):\n\n{}",
      options.tolerance.loss, options.tolerance.loss == 1 ? "" : "s", subject.images, subject.split,
      subject.dataset, aligned_text(result_table(found, table)));
  text += fmt::format(
      "\n\"At least\" was shown to be tolerated and \"below\" not to be, together with {:g} % "
      "confidence a row: betting\ntests at every one of {} rates, which share the level; at most "
      "{} maps a rate. \"Rate\" is interpolated between\nmean losses and promises nothing.\n",
      options.confidence, settings.rates.size(), settings.max_maps);
  if (table) {
    text += fmt::format(
        "Voltages: lowest in {} with that bit error rate, the first for \"rate\", the second for "
        "\"at least\"; log-linear\nbetween its lines; \"end\": its lowest. Energy saved against "
        "its highest voltage, {}.\n",
        options.voltage,
        table->has_energy ? "by its energies" : "taking energy as voltage squared");
  }
  return text;
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
    store = Store::open(options.store);
    check_unchanged(models, *store);
    session.resume_hint =
        fmt::format("finished trials are in {}; the same command goes on", options.store);
  }
  const std::vector<ModelTolerance> found =
      measure_tolerance(tolerance, settings, models, data, options.data.split,
                        store ? &*store : nullptr, session.context);
  if (session.json) return print_json(result_json(options, settings, found, table));
  print(result_text(options, settings, found, table));
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
