#include "flatenn/report/tolerance_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

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

}  // namespace

std::string tolerance_text(const ToleranceReport& report) {
  const std::optional<VoltageTable>& table = report.table;
  const double loss = report.settings.loss;
  const Subject& subject = report.found.front().subject;
  std::string text = fmt::format(
      "Highest fault rate that costs at most {:g} point{} of clean accuracy (mean over fault maps, "
      "{} {} images of {}):\n\n{}",
      loss, loss == 1 ? "" : "s", subject.images, subject.split, subject.dataset,
      aligned_text(result_table(report.found, table)));
  text += fmt::format(
      "\n\"At least\" was shown to be tolerated and \"below\" not to be, together with {:g} % "
      "confidence a row: betting\ntests at every one of {} rates, which share the level; at most "
      "{} maps a rate. \"Rate\" is interpolated between\nmean losses and promises nothing.\n",
      100 * report.settings.confidence, report.rates, report.max_maps);
  if (table) {
    text += fmt::format(
        "Voltages: lowest in {} with that bit error rate, the first for \"rate\", the second for "
        "\"at least\"; log-linear\nbetween its lines; \"end\": its lowest. Energy saved against "
        "its highest voltage, {}.\n",
        report.table_name,
        table->has_energy ? "by its energies" : "taking energy as voltage squared");
  }
  return text;
}

nlohmann::json tolerance_json(const ToleranceReport& report) {
  const std::optional<VoltageTable>& table = report.table;
  nlohmann::json json = {{"format", 1},
                         {"loss", report.settings.loss},
                         {"confidence", 100 * report.settings.confidence},
                         {"rates", report.rates},
                         {"max_maps", report.max_maps},
                         {"models", nlohmann::json::array()}};
  if (table) json["energy"] = table->has_energy ? "table" : "voltage squared";
  for (const ModelTolerance& model : report.found) {
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

}  // namespace flatenn
