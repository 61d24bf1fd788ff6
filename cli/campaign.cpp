// flatenn campaign: measure networks under many fault maps.
#include "flatenn/campaign/campaign.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/fault_options.h"
#include "cli/inputs.h"
#include "flatenn/report/summary.h"
#include "flatenn/report/tables.h"

namespace flatenn::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string store;
  FaultOptions faults;
  DataOptions data;
  std::optional<double> until;
  std::optional<std::uint64_t> max_maps, sample;
  std::string sweep, shard;
  bool per_image = false;
};

/// With --json: every step of the progress is a line of JSON on standard output, at most one a
/// second, beside what the terminal shows.
class ProgressLines : public Events {
 public:
  explicit ProgressLines(Events& terminal) : terminal_(terminal) {}
  void progress(const Progress& progress) override {
    terminal_.progress(progress);
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (progress.done < progress.total && now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    print_json_line({{"event", "progress"},
                     {"task", progress.task},
                     {"done", progress.done},
                     {"total", progress.total},
                     {"unit", progress.unit},
                     {"note", progress.note}});
  }
  void finished(std::string_view task) override { terminal_.finished(task); }
  void note(std::string_view line) override { terminal_.note(line); }
  void warning(std::string_view line) override { terminal_.warning(line); }

 private:
  Events& terminal_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_;
};

CampaignSettings campaign_settings(const Options& options, const Session& session) {
  CampaignSettings settings =
      read_settings(options.faults, session, default_settings(options.data.split));
  if (options.until) settings.until = *options.until;
  if (options.max_maps) settings.max_maps = *options.max_maps;
  if (options.sample) settings.sample = *options.sample;
  if (!options.sweep.empty()) settings.sweep = parse_sweep(options.sweep);
  if (options.per_image) settings.per_image = true;
  check_settings(settings);
  return settings;
}

Shard shard_of(const Options& options) {
  return options.shard.empty() ? launched_shard(std::getenv) : parse_shard(options.shard);
}

void run(const Options& options, Session& session) {
  const CampaignSettings settings = campaign_settings(options, session);
  const Shard shard = shard_of(options);
  const std::filesystem::path path = shard_path(options.store, shard);
  const std::vector<NamedModel> models = load_models(options.models);
  const Dataset data = load_data(options.data, models);
  std::vector<CampaignModel> campaign;
  for (const NamedModel& model : models) campaign.push_back({model.label, &model.model});
  check_campaign(settings, campaign, data);
  Store store = Store::open(path);
  check_unchanged(campaign, store);
  session.resume_hint =
      fmt::format("finished trials are in {}; the same command goes on", path.string());
  if (!shard.whole()) {
    session.context.events->note(
        fmt::format("part {} of {}: {}; unite the parts with "
                    "'flatenn store merge'",
                    shard.index, shard.count, path.string()));
  }
  ProgressLines lines(*session.context.events);
  Context context = session.context;
  if (session.json) context.events = &lines;
  run_campaign(settings, campaign, data, options.data.split, store, context, shard);
  const std::vector<SubjectSummary> summaries = summarize(store);
  print(session.json ? summary_json(summaries, -1) : summary_text(summaries));
}

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, session, "campaign", "Measure networks under many fault maps; resumes where it stopped",
      "flatenn campaign runs/*/model.safetensors --kinds flip,stuck0,stuck1 \\\n"
      "      --rates 1e-3..5e-2:8 --maps 50 --store faults.db\n"
      "  flatenn campaign model.safetensors --guard secded:64+bound:1 --headroom 2 \\\n"
      "      --store faults.db",
      [&session, options] { run(*options, session); });
  command->add_option("MODELS", options->models, "model files")->required();
  command->add_option("--store", options->store, "results (SQLite); continued when it exists")
      ->type_name("FILE")
      ->required();
  add_fault_options(*command, session, options->faults);
  command
      ->add_option("--until", options->until,
                   "maps until every mean is known to +- POINTS (95 % confidence sequence)")
      ->type_name("POINTS");
  command->add_option("--max-maps", options->max_maps, "with --until: at most so many a cell");
  command->add_option("--sweep", options->sweep, "expose each layer, or bit position, alone")
      ->type_name("layers|bits");
  command->add_option("--sample", options->sample,
                      "with --source single: so many cells a kind, most where it matters");
  command->add_flag("--per-image", options->per_image, "store which images were right");
  command
      ->add_option("--shard", options->shard,
                   "part INDEX/COUNT of the campaign, from 0; default: what Slurm, MPI or "
                   "torchrun say")
      ->type_name("I/N");
  add_data_options(*command, options->data);
}

}  // namespace flatenn::cli
