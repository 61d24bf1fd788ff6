// flatenn compare: arms x defences on equal terms: paired differences, Pareto fronts, and where
// protecting bits stops paying against training.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/config/names.h"
#include "flatenn/report/comparison_text.h"
#include "flatenn/report/page_sources.h"
#include "flatenn/report/pareto_svg.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string run, kind, baseline, basis = "accuracy";
  std::optional<double> rate;
  std::vector<std::string> labels;
  MapRange maps;
  std::string pairs_csv, arms_csv, svg;
};

ComparisonOptions comparison_options(const Options& options) {
  ComparisonOptions comparison;
  if (!options.kind.empty()) comparison.cell.kind = parse_fault_kind(options.kind);
  // Written so that not-a-number is refused, too.
  if (options.rate && !(*options.rate >= 0 && *options.rate <= 1)) {
    fail("--rate is a share of the cells, 0 to 1, not {}", *options.rate);
  }
  comparison.cell.rate = options.rate;
  comparison.baseline = options.baseline;
  if (options.basis != "accuracy" && options.basis != "drop") {
    fail("--basis: unknown '{}'{}", options.basis, suggestion(options.basis, {"accuracy", "drop"}));
  }
  comparison.on_drop = options.basis == "drop";
  return comparison;
}

void run(const Options& options, const Session& session) {
  ComparisonOptions asked = comparison_options(options);
  const PageInputs inputs =
      read_run(options.run, {options.maps, split_list(options.labels), {}, kCriticalPoints});
  asked.chosen = chosen_cell(inputs.claims);
  const Comparison comparison = compare_arms(inputs.stores.at(0).arms, asked);
  if (!options.pairs_csv.empty()) write_file(options.pairs_csv, compared_pairs_csv(comparison));
  if (!options.arms_csv.empty()) write_file(options.arms_csv, compared_arms_csv(comparison));
  if (!options.svg.empty()) write_file(options.svg, pareto_svg(comparison));
  if (session.json) return print_json(comparison_json(comparison));
  print(comparison_text(comparison));
}

}  // namespace

void add_compare(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "compare", "Arms on equal terms: paired differences and Pareto fronts",
      "flatenn compare runs/lenet5-full --kind flip --rate 0.05 --baseline standard \\\n"
      "      --csv pairs.csv --svg fronts.svg",
      [&session, options] { run(*options, session); });
  command
      ->add_option("RUN", options->run, "the folder of a study, or results of 'flatenn campaign'")
      ->required();
  command->add_option("--kind", options->kind, "kind of fault [the study's, or the first]");
  command->add_option("--rate", options->rate, "fault rate [the study's, or the highest]")
      ->type_name("RATE");
  command
      ->add_option("--baseline", options->baseline,
                   "compare every arm to this one [every pair of arms]")
      ->type_name("ARM");
  command
      ->add_option("--only", options->labels,
                   "these arms, networks or 'ARM + PROTECTION' only, in this order")
      ->type_name("LABELS")
      ->expected(1);
  command
      ->add_option("--basis", options->basis,
                   "accuracy, or drop: minus each arm's own clean accuracy [accuracy]")
      ->type_name("BASIS");
  command->add_option("--csv", options->pairs_csv, "write a row a pair")->type_name("FILE");
  command->add_option("--arms-csv", options->arms_csv, "write a row an arm, with its fronts")
      ->type_name("FILE");
  command->add_option("--svg", options->svg, "write the fronts as a picture")->type_name("FILE");
  command->add_option("--first-map", options->maps.first, "count fault maps from this id on");
  command->add_option("--last-map", options->maps.last, "count fault maps below this id");
}

}  // namespace flatenn::cli
