// flatenn store: stores of campaigns as a whole: merge, dump, check.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "flatenn/base/error.h"
#include "flatenn/campaign/store_check.h"
#include "flatenn/campaign/store_dump.h"
#include "flatenn/campaign/store_merge.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::string output;
  std::vector<std::string> inputs;
  std::string store;
};

void merge(const Options& options, const Session& session) {
  const MergeReport report =
      merge_stores({options.inputs.begin(), options.inputs.end()}, options.output, session.context);
  if (session.json) {
    print_json({{"subjects", report.subjects}, {"trials", report.trials}, {"added", report.added}});
  } else {
    print(fmt::format("{}: {} subjects, {} trials, {} of them new\n", options.output,
                      report.subjects, report.trials, report.added));
  }
}

void dump(const Options& options, const Session& session) {
  dump_store(Store::open_read_only(options.store), [&](std::string_view line) {
    throw_if_stopped(session.context);
    print(line);
  });
}

void print_report(const std::string& path, const StoreReport& report) {
  for (const std::string& problem : report.problems) print(problem + "\n");
  if (report.more > 0) print(fmt::format("and {} more\n", report.more));
  if (!report.problems.empty()) return;
  print(fmt::format("{}: sound; {} subjects, {} trials, {} of them with per-image results\n", path,
                    report.subjects, report.trials, report.per_image));
}

void check(const Options& options, const Session& session) {
  const StoreReport report = check_store(options.store);
  const std::uint64_t problems = report.problems.size() + report.more;
  if (session.json) {
    print_json({{"subjects", report.subjects},
                {"trials", report.trials},
                {"per_image", report.per_image},
                {"problem_count", problems},
                {"problems", report.problems}});
  } else {
    print_report(options.store, report);
  }
  if (problems == 0) return;
  fail("{}: the store is damaged ({} problem{}); restore a copy or use another file", options.store,
       problems, problems == 1 ? "" : "s");
}

}  // namespace

void add_store(CLI::App& app, Session& session) {
  CLI::App* store = app.add_subcommand("store", "Merge, dump and check stores of campaigns");
  store->require_subcommand(1);
  store->add_flag("--json", session.json, "print results as JSON");
  store->footer(
      "Example:\n  flatenn store merge all.db machine1.db machine2.db\n\n"
      "Run 'flatenn store COMMAND --help' for one command's options and an example.");
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(*store, session, "merge",
                  "Unite stores; the order does not matter, contradictions are errors",
                  "flatenn store merge all.db machine1.db machine2.db",
                  [&session, options] { merge(*options, session); });
  command->add_option("OUT", options->output, "the united store; added to when it exists")
      ->required();
  command->add_option("IN", options->inputs, "stores, which stay as they are")->required();
  command = add_command(*store, session, "dump",
                        "Write a store as JSON lines, the same for equal contents",
                        "flatenn store dump faults.db > faults.jsonl",
                        [&session, options] { dump(*options, session); });
  command->add_option("STORE", options->store, "results of 'flatenn campaign'")->required();
  command = add_command(
      *store, session, "check", "Look for damage and for results that cannot be; a line a problem",
      "flatenn store check faults.db", [&session, options] { check(*options, session); });
  command->add_option("STORE", options->store, "results of 'flatenn campaign'")->required();
}

}  // namespace flatenn::cli
