#include "flatenn/report/tables.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "flatenn/report/protection_costs.h"
#include "flatenn/report/single_bits.h"
#include "flatenn/report/supply.h"
#include "flatenn/report/table.h"

namespace flatenn {
namespace {

constexpr const char* kMethod =
    "mean over fault maps with its 95 % t interval; anytime: 95 % confidence sequence, which holds "
    "also when the number of maps was chosen by looking; clean: 95 % Wilson interval over images";
constexpr const char* kSupply =
    "Voltage: the lowest with at most this fault rate (+: the table's end); read %: energy of "
    "reading "
    "the data with all that protects it, of reading it bare at the nominal voltage.";
constexpr const char* kFewDecide =
    "* A few maps lie far below the others (Cochran's rule: n < 25 skewness^2): the t interval may "
    "be too narrow; trust the anytime interval, or measure more maps.";

/// Percent with two digits, "-" where not measured.
std::string percent(double value) { return value < 0 ? "-" : fmt::format("{:.2f}", value); }

std::string interval(double lo, double hi) { return fmt::format("[{:.2f}, {:.2f}]", lo, hi); }

std::string heading(const SubjectSummary& summary) {
  const Subject& s = summary.subject;
  std::string text =
      fmt::format("{} on {} ({} split, {} images)\n", s.label, s.dataset, s.split, s.images);
  text += fmt::format("float {} %, clean {:.2f} % [{:.2f}, {:.2f}], sparsity {} %\n",
                      percent(s.float_accuracy), summary.clean, summary.clean_lo, summary.clean_hi,
                      percent(s.sparsity));
  text += fmt::format("memory {} bits, exposed {}{}{}\n", s.memory_bits, s.exposed_bits,
                      s.exposure.empty() ? "" : " (" + s.exposure + ")",
                      s.source.empty() ? "" : ", faulty cells: " + s.source);
  return text + protection_line(s);
}

std::vector<std::string> supply_cells(const VoltageTable& table, const Subject& subject,
                                      double rate) {
  const std::optional<Supply> supply = supply_at(table, subject, rate);
  if (!supply) return {"-", "-"};
  return {fmt::format("{:.3f}{}", supply->voltage, supply->end_of_table ? "+" : ""),
          fmt::format("{:.1f}", supply->read_energy)};
}

}  // namespace

std::string summary_text(const std::vector<SubjectSummary>& summaries,
                         const VoltageTable* voltages) {
  std::string text;
  bool cells = false, few_decide = false;
  for (const SubjectSummary& summary : summaries) {
    if (!summary.single_bits.empty()) {
      text += heading(summary) + "\n" + single_bits_text(summary.single_bits);
      continue;
    }
    Table table{{"kind", "rate", "accuracy %", "95 % interval", "anytime", "sd", "drop", "maps",
                 "images", "bits changed", "of faulty"},
                {}};
    if (voltages != nullptr) table.columns.insert(table.columns.end(), {"voltage", "read %"});
    for (const CellSummary& cell : summary.cells) {
      few_decide = few_decide || cell.few_decide;
      table.rows.push_back({std::string(to_string(cell.kind)), fmt::format("{:g}", cell.rate),
                            fmt::format("{:.2f}", cell.mean),
                            interval(cell.lo, cell.hi) + (cell.few_decide ? "*" : ""),
                            interval(cell.anytime_lo, cell.anytime_hi),
                            cell.maps > 1 ? fmt::format("{:.2f}", cell.sd) : "-",
                            fmt::format("{:.2f}", summary.clean - cell.mean),
                            fmt::format("{}", cell.maps), fmt::format("{}", summary.subject.images),
                            fmt::format("{:.1f}", cell.changed_bits),
                            fmt::format("{:.1f}", cell.faulty_bits)});
      if (voltages == nullptr) continue;
      for (std::string& text : supply_cells(*voltages, summary.subject, cell.rate)) {
        table.rows.back().push_back(std::move(text));
      }
    }
    text += heading(summary) + "\n" + aligned_text(table) + "\n";
    cells = true;
  }
  if (few_decide) text += fmt::format("{}\n", kFewDecide);
  if (cells && voltages != nullptr) text += fmt::format("{}\n", kSupply);
  return cells || text.empty() ? text + fmt::format("Accuracy: {}.\n", kMethod) : text;
}

std::string overview_text(const std::vector<SubjectSummary>& summaries) {
  Table table{{"network", "images", "float %", "clean %", "95 % interval", "sparsity %"}, {}};
  bool faults = false;
  for (const SubjectSummary& summary : summaries) faults = faults || !summary.cells.empty();
  if (faults) {
    const auto more = {"kind", "rate", "faulty %", "95 % interval", "maps", "bits changed"};
    table.columns.insert(table.columns.end(), more.begin(), more.end());
  }
  for (const SubjectSummary& summary : summaries) {
    const Subject& s = summary.subject;
    const std::vector<std::string> head = {s.label,
                                           fmt::format("{}", s.images),
                                           percent(s.float_accuracy),
                                           fmt::format("{:.2f}", summary.clean),
                                           interval(summary.clean_lo, summary.clean_hi),
                                           percent(s.sparsity)};
    if (!faults) table.rows.push_back(head);
    for (const CellSummary& cell : summary.cells) {
      std::vector<std::string> row = head;
      row.insert(row.end(),
                 {std::string(to_string(cell.kind)), fmt::format("{:g}", cell.rate),
                  fmt::format("{:.2f}", cell.mean), interval(cell.lo, cell.hi),
                  fmt::format("{}", cell.maps), fmt::format("{:.1f}", cell.changed_bits)});
      table.rows.push_back(std::move(row));
    }
  }
  return aligned_text(table) + "\n" + fmt::format("Accuracy: {}.\n", kMethod);
}

std::string summary_csv(const std::vector<SubjectSummary>& summaries,
                        const VoltageTable* voltages) {
  Table table{{"label",        "model_hash",  "dataset",        "split",        "exposure",
               "source",       "seed",        "float_accuracy", "clean",        "clean_lo",
               "clean_hi",     "sparsity",    "memory_bits",    "exposed_bits", "kind",
               "rate",         "maps",        "images",         "mean",         "sd",
               "lo",           "hi",          "anytime_lo",     "anytime_hi",   "few_decide",
               "bits_changed", "bits_faulty", "answers_changed"},
              {}};
  if (voltages != nullptr) {
    table.columns.insert(table.columns.end(), {"voltage", "end_of_table", "read_energy"});
  }
  for (const SubjectSummary& summary : summaries) {
    const Subject& s = summary.subject;
    for (const CellSummary& cell : summary.cells) {
      const auto text = [](auto value) { return fmt::format("{}", value); };
      table.rows.push_back({s.label,
                            s.model_hash,
                            s.dataset,
                            s.split,
                            s.exposure,
                            s.source,
                            text(s.seed),
                            s.float_accuracy < 0 ? "" : text(s.float_accuracy),
                            text(summary.clean),
                            text(summary.clean_lo),
                            text(summary.clean_hi),
                            s.sparsity < 0 ? "" : text(s.sparsity),
                            text(s.memory_bits),
                            text(s.exposed_bits),
                            std::string(to_string(cell.kind)),
                            text(cell.rate),
                            text(cell.maps),
                            text(s.images),
                            text(cell.mean),
                            text(cell.sd),
                            text(cell.lo),
                            text(cell.hi),
                            text(cell.anytime_lo),
                            text(cell.anytime_hi),
                            text(cell.few_decide ? 1 : 0),
                            text(cell.changed_bits),
                            text(cell.faulty_bits),
                            text(cell.answers_changed)});
      if (voltages == nullptr) continue;
      const std::optional<Supply> supply = supply_at(*voltages, s, cell.rate);
      std::vector<std::string>& row = table.rows.back();
      row.push_back(supply ? text(supply->voltage) : "");
      row.push_back(supply ? text(supply->end_of_table ? 1 : 0) : "");
      row.push_back(supply ? text(supply->read_energy) : "");
    }
  }
  return csv_text(table);
}

std::string summary_json(const std::vector<SubjectSummary>& summaries, int indent,
                         const VoltageTable* voltages) {
  using nlohmann::ordered_json;
  const auto measured = [](double v) { return v < 0 ? ordered_json() : ordered_json(v); };
  ordered_json subjects = ordered_json::array();
  for (const SubjectSummary& summary : summaries) {
    const Subject& s = summary.subject;
    ordered_json cells = ordered_json::array();
    for (const CellSummary& c : summary.cells) {
      cells.push_back({{"kind", to_string(c.kind)},
                       {"rate", c.rate},
                       {"maps", c.maps},
                       {"images", s.images},
                       {"mean", c.mean},
                       {"sd", c.sd},
                       {"lo", c.lo},
                       {"hi", c.hi},
                       {"anytime_lo", c.anytime_lo},
                       {"anytime_hi", c.anytime_hi},
                       {"few_decide", c.few_decide},
                       {"bits_changed", c.changed_bits},
                       {"bits_faulty", c.faulty_bits},
                       {"answers_changed", c.answers_changed}});
      if (voltages == nullptr) continue;
      const std::optional<Supply> supply = supply_at(*voltages, s, c.rate);
      cells.back()["supply"] = supply ? ordered_json{{"voltage", supply->voltage},
                                                     {"end_of_table", supply->end_of_table},
                                                     {"read_energy_percent", supply->read_energy}}
                                      : ordered_json();
    }
    subjects.push_back({{"label", s.label},
                        {"model_hash", s.model_hash},
                        {"data_hash", s.data_hash},
                        {"dataset", s.dataset},
                        {"split", s.split},
                        {"images", s.images},
                        {"exposure", s.exposure},
                        {"source", s.source},
                        {"memory_bits", s.memory_bits},
                        {"exposed_bits", s.exposed_bits},
                        {"seed", s.seed},
                        {"float_accuracy", measured(s.float_accuracy)},
                        {"clean", summary.clean},
                        {"clean_lo", summary.clean_lo},
                        {"clean_hi", summary.clean_hi},
                        {"sparsity", measured(s.sparsity)},
                        {"cells", cells}});
    if (nlohmann::ordered_json protection = protection_json(s); !protection.is_null()) {
      subjects.back()["protection"] = std::move(protection);
    }
    if (!summary.single_bits.empty()) {
      subjects.back()["single_bits"] = single_bits_json(summary.single_bits);
    }
  }
  const ordered_json all = {{"format", 1}, {"method", kMethod}, {"subjects", subjects}};
  // A label may be a file's name, and that any bytes.
  return all.dump(indent, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace flatenn
