#include "flatenn/study/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/jobs.h"
#include "flatenn/campaign/exposed_network.h"
#include "flatenn/report/page_sources.h"
#include "flatenn/study/choice.h"
#include "flatenn/study/measured.h"
#include "flatenn/train/identity.h"
#include "flatenn/train/trainer.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

/// Takes a training with other settings or pictures out of the way. The folder leaves its name in
/// one step, so that an interruption cannot leave half of it to be taken for the new training.
void retire_other_training(const fs::path& folder, const TrainingIdentity& identity,
                           const Context& context) {
  fs::path retired = folder;
  retired += ".retired";
  std::error_code error;
  fs::remove_all(retired, error);
  const fs::path config = folder / "config.toml";
  if (!fs::exists(config) || describes(read_text_file(config), identity)) return;
  context.events->note(fmt::format("{}: its settings or pictures changed, training again",
                                   folder.filename().string()));
  fs::rename(folder, retired, error);
  if (error) fail("{}: cannot replace: {}", folder.string(), error.message());
  fs::remove_all(retired, error);
}

int jobs_at_once(const StudySettings& study) {
  if (study.jobs > 0) return study.jobs;
  const int processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::max(1, processors / study.train.threads);
}

std::vector<TrainedArm> train_arms(const StudySettings& study, const TrainData& data,
                                   const fs::path& folder, const Context& context) {
  std::vector<TrainedArm> arms;
  for (const ArmSettings& arm : study.arms) {
    for (const int seed : study.seeds) arms.push_back({arm, static_cast<std::uint64_t>(seed), {}});
  }
  // Perturbed arms take twice as long: started first, the processors finish together.
  std::vector<TrainedArm*> order;
  for (TrainedArm& arm : arms) order.push_back(&arm);
  std::ranges::stable_partition(order, [&](const TrainedArm* a) {
    return arm_training(study, a->arm, a->seed).plan.kind != StepPlanKind::plain;
  });
  std::vector<std::function<void(const Context&)>> jobs;
  for (TrainedArm* arm : order) {
    jobs.push_back([&, arm](const Context& job_context) {
      const TrainSettings settings = arm_training(study, arm->arm, arm->seed);
      const fs::path place = folder / "arms" / arm->name();
      retire_other_training(place, {settings, data.train_hash}, job_context);
      arm->model = train(settings, data, place, job_context);
    });
  }
  run_jobs(jobs, jobs_at_once(study), context);
  return arms;
}

std::vector<CampaignModel> campaign_models(const std::vector<TrainedArm>& arms) {
  std::vector<CampaignModel> models;
  for (const TrainedArm& arm : arms) models.push_back({arm.name(), &arm.model});
  return models;
}

std::vector<MeasuredArm> measure(const CampaignSettings& campaign,
                                 const std::vector<TrainedArm>& arms, const Dataset& data,
                                 Split split, Store& store, const Context& context) {
  run_campaign(campaign, campaign_models(arms), data, to_string(split), store, context);
  return read_measured(campaign, arms, campaign_images(campaign, data), to_string(split), store);
}

/// The arms that validation looks at: all, or those of the reference arm.
std::vector<TrainedArm> validation_arms(const StudySettings& study,
                                        const std::vector<TrainedArm>& arms) {
  if (study.validation.all_arms) return arms;
  std::vector<ArmAccuracies> roles;
  for (const ArmSettings& arm : study.arms) {
    roles.push_back({arm.name, arm.sparse, arm.metric, {}, {}, arm.variant()});
  }
  const std::string& reference = roles[reference_arm(roles)].name;
  std::vector<TrainedArm> chosen;
  std::ranges::copy_if(arms, std::back_inserter(chosen),
                       [&](const TrainedArm& arm) { return arm.arm.name == reference; });
  return chosen;
}

/// Index of the claims' cell in the order of collect_cells.
std::size_t choose_on_validation(const StudySettings& study, const std::vector<TrainedArm>& arms,
                                 const Dataset& data, Store& store, const Context& context) {
  const CampaignSettings campaign = validation_campaign(study);
  const std::vector<MeasuredArm> measured =
      measure(campaign, validation_arms(study, arms), data, Split::validation, store, context);
  const std::vector<CellAccuracies> cells = collect_cells(campaign, measured);
  const std::size_t chosen = choose_cell(cells, 100.0 / data.classes, study.validation.margin);
  context.events->note(fmt::format("claims are judged at {}, rate {}: chosen on validation",
                                   to_string(cells[chosen].kind), cells[chosen].rate));
  return chosen;
}

void check_images(std::string_view key, std::uint64_t asked, const Dataset& data) {
  if (asked > data.size()) {
    fail("{}: {} asked, but {} has {} images for it", key, asked, data.name, data.size());
  }
}

/// Of the weights that a training will make.
MemoryLayout weight_layout(const TrainSettings& settings, const Dataset& data) {
  const Graph graph = build_training_graph(settings, data);
  const std::vector<NodeInfo> infos = check_graph(graph);
  std::vector<std::string> tensors;
  for (const int node : weight_nodes(graph)) {
    const auto n = static_cast<std::size_t>(node);
    tensors.push_back(fmt::format("{}.weight {}x{}", graph.nodes[n].name, infos[n].weight_count,
                                  weight_format(graph.nodes[n]).code.bits));
  }
  return MemoryLayout::parse(fmt::format("{}", fmt::join(tensors, ", ")));
}

/// Throws Error where the memory of an arm cannot be exposed and protected as it is asked.
void check_memories(const StudySettings& study, const Dataset& data) {
  if (exposed_parts(study.campaign) != MemoryParts{}) return;  // what training makes is not known
  std::vector<CampaignSettings> campaigns = protected_campaigns(study);
  campaigns.push_back(study.campaign);
  for (const ArmSettings& arm : study.arms) {
    const MemoryLayout memory = weight_layout(arm_training(study, arm, 0), data);
    for (const CampaignSettings& campaign : campaigns) {
      expose_cells(memory, campaign.exposed, campaign_protection(campaign));
    }
  }
}

std::vector<ArmResult> arm_results(const std::vector<TrainedArm>& arms) {
  std::vector<ArmResult> results;
  for (const TrainedArm& arm : arms) {
    const ModelInfo& info = arm.model.info;
    results.push_back({arm.arm.name, arm.seed, arm.arm.metric, info.float_accuracy,
                       info.clean_accuracy, info.sparsity,
                       fmt::format("arms/{}/model.safetensors", arm.name())});
  }
  return results;
}

void write_results(const StudySummary& summary, const fs::path& folder) {
  write_file(folder / "arms.csv", arms_csv(summary));
  write_file(folder / "faulty.csv", faulty_csv(summary));
  write_file(folder / "claims.csv", claims_csv(summary));
  write_file(folder / "curves.svg", study_svg(summary));
  write_file(folder / "tables.txt", study_text(summary));
  write_file(folder / "summary.json", study_json(summary));
  write_file(folder / "report.html", page_html(read_page(folder)));
}

}  // namespace

StudySummary run_study(const StudySettings& settings, const fs::path& folder,
                       const Context& context) {
  check_settings(settings);
  const TrainData data = load_train_data(settings.train);
  // Wrong numbers of images, or words that codes do not fill, must show before hours of training,
  // not after.
  check_images("campaign.images", settings.campaign.images, data.test);
  check_images("validation.images", settings.validation.images, data.validation);
  check_memories(settings, data.train);

  make_folder(folder);
  // Held open to the end: two runs of one study in the same folder would disturb each other.
  Store validation_store = Store::open(folder / "validation.db");
  Store store = Store::open(folder / "faults.db");
  StudySettings resolved = settings;
  write_file(folder / "study.toml", write_config([&](Binder& b) { bind(b, resolved); }));

  StudySummary summary;
  summary.data = {settings.train.dataset, data.train_hash, data.test.hash()};
  const std::vector<TrainedArm> arms = train_arms(settings, data, folder, context);
  summary.chosen = choose_on_validation(settings, arms, data.validation, validation_store, context);
  const std::vector<MeasuredArm> measured =
      measure(settings.campaign, arms, data.test, Split::test, store, context);
  for (const CampaignSettings& campaign : protected_campaigns(settings)) {
    run_campaign(campaign, campaign_models(arms), data.test, to_string(Split::test), store,
                 context);
  }
  summary.arms = arm_results(arms);
  summary.faulty = collect_faulty(settings.campaign, measured);
  summary.cells = collect_cells(settings.campaign, measured);
  write_results(summary, folder);
  return summary;
}

}  // namespace flatenn
