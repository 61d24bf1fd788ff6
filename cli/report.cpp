// flatenn report: what a store says, as tables, CSV, JSON, pictures and a page.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "flatenn/analysis/voltage.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/report/curves_svg.h"
#include "flatenn/report/page_sources.h"
#include "flatenn/report/paper_figures.h"
#include "flatenn/report/summary.h"
#include "flatenn/report/tables.h"
#include "flatenn/report/variance.h"
#include "flatenn/report/verdict.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string store;                 ///< file or folder; empty with `compare`
  std::vector<std::string> compare;  ///< two of them
  std::string csv, json, svg, page, figures, voltage;
  std::vector<std::string> labels, analyses;
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

/// What asks for a page: it is made from the stores anew, with training seeds taken together.
bool wants_page(const Options& options) {
  return !options.page.empty() || !options.figures.empty() || !options.compare.empty();
}

PageInputs read_inputs(const Options& options) {
  PageSourceOptions sources{options.maps, split_list(options.labels), {}, options.critical};
  for (const std::string& path : options.analyses) sources.analyses.emplace_back(path);
  return options.compare.empty() ? read_page(options.store, sources)
                                 : read_comparison(options.compare[0], options.compare[1], sources);
}

void write_page(const Options& options, const Session& session) {
  const PageInputs inputs = read_inputs(options);
  std::vector<std::string> written;
  if (!options.figures.empty()) {
    const std::filesystem::path folder = options.figures;
    make_folder(folder);
    for (const PaperFigure& figure : paper_figures(inputs)) {
      write_file(folder / figure.name, figure.svg);
      written.push_back((folder / figure.name).string());
    }
  }
  if (!options.page.empty()) {
    write_file(options.page, page_html(inputs));
    written.push_back(options.page);
  }
  if (session.json) return print_json({{"written", written}});
  for (const Verdict& verdict : verdicts(inputs)) print(verdict.text + "\n");
  print(fmt::format("\nwritten: {}\n", fmt::join(written, ", ")));
}

void check_options(const Options& options) {
  // Written so that not-a-number is refused, too.
  if (!(options.critical >= 0 && options.critical <= 100)) {
    fail("--critical is in points of accuracy, 0 to 100, not {}", options.critical);
  }
  if (!options.voltage.empty() && (wants_page(options) || options.variance)) {
    fail("--voltage is for tables, --csv and --json: leave out --out, --figures and --variance");
  }
  if (options.store.empty() == options.compare.empty()) {
    fail("name one store, or two after --compare");
  }
  const bool tables =
      !options.csv.empty() || !options.json.empty() || !options.svg.empty() || options.variance;
  if (!options.compare.empty() && tables) {
    fail("--compare makes a page (--out FILE) or pictures (--figures FOLDER), no tables");
  }
  if (!options.compare.empty() && options.page.empty() && options.figures.empty()) {
    fail("--compare A B makes a page: say where with --out FILE");
  }
  if (!options.analyses.empty() && !wants_page(options)) {
    fail("--analysis goes into a page: say where with --out FILE");
  }
  if (wants_page(options) && options.variance) fail("--variance prints a table; leave out --out");
}

/// The store of a study's folder, or the path as it is.
std::string store_path(const std::string& path) {
  return std::filesystem::is_directory(path) ? (std::filesystem::path(path) / "faults.db").string()
                                             : path;
}

void run(const Options& options, const Session& session) {
  check_options(options);
  const bool tables = !options.csv.empty() || !options.json.empty() || !options.svg.empty();
  if (wants_page(options)) {
    write_page(options, session);
    if (!tables) return;
  }
  std::optional<VoltageTable> table;
  if (!options.voltage.empty()) table = read_voltage_table(options.voltage);
  const VoltageTable* voltages = table ? &*table : nullptr;
  const Store store = Store::open_read_only(store_path(options.store));
  if (options.variance) return print_variance(store, options.store, session);
  const std::vector<SubjectSummary> summaries =
      chosen(summarize(store, options.maps, options.critical), split_list(options.labels));
  if (!options.csv.empty()) write_file(options.csv, summary_csv(summaries, voltages));
  if (!options.json.empty()) write_file(options.json, summary_json(summaries, 2, voltages));
  if (!options.svg.empty()) write_file(options.svg, curves_svg(curve_panels(summaries)));
  if (wants_page(options)) return;  // it has told already
  print(session.json ? summary_json(summaries, 2, voltages) : summary_text(summaries, voltages));
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, session, "report", "What a store holds: tables, curves, or a page to open",
                  "flatenn report faults.db --out report.html",
                  [&session, options] { run(*options, session); });
  command->add_option("STORE", options->store,
                      "results of 'flatenn campaign', or the folder of a study");
  command->add_option("--compare", options->compare, "instead of STORE: two of them, side by side")
      ->type_name("A B")
      ->expected(2);
  command->add_option("--out,--html", options->page, "write one HTML page with figures and tables")
      ->type_name("FILE");
  command->add_option("--figures", options->figures, "write the curves as SVG pictures")
      ->type_name("FOLDER");
  command
      ->add_option("--analysis", options->analyses,
                   "files of 'flatenn analyze' to show on the page as well")
      ->type_name("FILES");
  command->add_option("--csv", options->csv, "write a row a cell")->type_name("FILE");
  command->add_option("--json-file", options->json, "write the JSON to a file")->type_name("FILE");
  command->add_option("--svg", options->svg, "write accuracy against rate as a picture")
      ->type_name("FILE");
  command->add_option("--only", options->labels, "these networks only, in this order")
      ->type_name("LABELS")
      ->expected(1);
  command
      ->add_option("--voltage", options->voltage,
                   "read rates in volts and energy: a table of voltage against bit error rate")
      ->type_name("FILE");
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
