// flatenn report: what a store says, as tables, CSV, JSON and a picture.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/curves_svg.h"
#include "flatenn/report/summary.h"
#include "flatenn/report/tables.h"
#include "flatenn/report/variance.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string store;
  std::string csv, json, svg;
  std::vector<std::string> labels;
  MapRange maps;
  bool variance = false;
  double critical = kCriticalPoints;
};

std::vector<SubjectSummary> chosen(std::vector<SubjectSummary> all,
                                   const std::vector<std::string>& labels) {
  if (labels.empty()) return all;
  std::vector<std::string> known;
  for (const SubjectSummary& summary : all) known.push_back(summary.subject.label);
  std::vector<SubjectSummary> chosen;
  for (const std::string& label : labels) {
    const std::size_t before = chosen.size();
    for (const SubjectSummary& summary : all) {
      if (summary.subject.label == label) chosen.push_back(summary);
    }
    if (chosen.size() > before) continue;
    const std::string closest = closest_name(label, known);
    fail("no network '{}' in the store{}; it has: {}", label,
         closest.empty() ? "" : "; did you mean '" + closest + "'?", fmt::join(known, ", "));
  }
  return chosen;
}

void print_variance(const Store& store, const std::string& path, const Session& session) {
  const std::vector<CellVariance> cells = split_cells(store);
  if (cells.empty()) {
    fail(
        "{}: no cell has per-image results of two fault maps; 'flatenn campaign --per-image' "
        "records them",
        path);
  }
  if (session.json) {
    print_json(variance_json(cells));
  } else {
    print(variance_text(cells));
  }
}

void run(const Options& options, const Session& session) {
  // Written so that not-a-number is refused, too.
  if (!(options.critical >= 0 && options.critical <= 100)) {
    fail("--critical is in points of accuracy, 0 to 100, not {}", options.critical);
  }
  const Store store = Store::open_read_only(options.store);
  if (options.variance) return print_variance(store, options.store, session);
  const std::vector<SubjectSummary> summaries =
      chosen(summarize(store, options.maps, options.critical), split_list(options.labels));
  if (!options.csv.empty()) write_file(options.csv, summary_csv(summaries));
  if (!options.json.empty()) write_file(options.json, summary_json(summaries));
  if (!options.svg.empty()) write_file(options.svg, curves_svg(curve_panels(summaries)));
  print(session.json ? summary_json(summaries) : summary_text(summaries));
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, session, "report", "Tables and curves of what a store holds",
                                  "flatenn report faults.db --csv faults.csv --svg faults.svg",
                                  [&session, options] { run(*options, session); });
  command->add_option("STORE", options->store, "results of 'flatenn campaign'")->required();
  command->add_option("--csv", options->csv, "write a row a cell")->type_name("FILE");
  command->add_option("--json-file", options->json, "write the JSON to a file")->type_name("FILE");
  command->add_option("--svg", options->svg, "write accuracy against rate as a picture")
      ->type_name("FILE");
  command->add_option("--only", options->labels, "these networks only, in this order")
      ->type_name("LABELS")
      ->expected(1);
  command->add_flag("--variance", options->variance,
                    "instead: what the spread comes from (needs per-image results)");
  command
      ->add_option("--critical", options->critical,
                   "of single bits: a fault is critical when accuracy falls by more")
      ->type_name("POINTS");
  command->add_option("--first-map", options->maps.first, "count fault maps from this id on");
  command->add_option("--last-map", options->maps.last, "count fault maps below this id");
}

}  // namespace flatenn::cli
