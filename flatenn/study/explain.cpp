#include "flatenn/study/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "flatenn/analysis/analyze.h"
#include "flatenn/analysis/correlate.h"
#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/jobs.h"
#include "flatenn/report/analysis_text.h"
#include "flatenn/stats/rank_correlation.h"
#include "flatenn/study/measured.h"

namespace flatenn {
namespace {

namespace fs = std::filesystem;

StudySettings read_study(const fs::path& folder) {
  const fs::path path = folder / "study.toml";
  if (!fs::exists(path)) {
    fail("{}: no study.toml; is this a folder of 'flatenn study'?", folder.string());
  }
  StudySettings settings;
  read_config({path, {}, false}, [&](Binder& b) { bind(b, settings); });
  check_settings(settings);
  return settings;
}

std::vector<TrainedArm> read_arms(const StudySettings& study, const fs::path& folder) {
  std::vector<TrainedArm> arms;
  for (const ArmSettings& arm : study.arms) {
    for (const int seed : study.seeds) {
      TrainedArm trained{arm, static_cast<std::uint64_t>(seed), {}};
      trained.model = load_model(folder / "arms" / trained.name() / "model.safetensors");
      arms.push_back(std::move(trained));
    }
  }
  return arms;
}

/// The analysis in `path` if it is of this network and these settings.
std::optional<Analysis> read_kept(const fs::path& path, const AnalysisSettings& settings,
                                  const Model& model, const Dataset& images) {
  if (!fs::exists(path)) return std::nullopt;
  try {
    Analysis kept = parse_analysis(read_text_file(path), path.string());
    if (kept.settings == analysis_settings_text(settings) && kept.model_hash == model_hash(model) &&
        kept.data_hash == images.hash()) {
      return kept;
    }
  } catch (const Error&) {
    // Of another version or damaged: it is made again.
  }
  return std::nullopt;
}

std::vector<StudyAnalysis::Network> analyse(const AnalysisSettings& settings,
                                            const std::vector<TrainedArm>& arms,
                                            const Dataset& data, const fs::path& folder,
                                            const Context& context) {
  const Dataset images = data.slice(0, settings.images == 0 ? data.size() : settings.images);
  AnalysisSettings single = settings;
  single.threads = 1;
  std::vector<StudyAnalysis::Network> networks(arms.size());
  std::vector<std::function<void(const Context&)>> jobs;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    jobs.push_back([&, i](const Context& inner) {
      const TrainedArm& arm = arms[i];
      const fs::path path = folder / "arms" / arm.name() / "analysis.json";
      std::optional<Analysis> analysis = read_kept(path, settings, arm.model, images);
      if (!analysis) {
        AnalysisResult result = analyze(single, {arm.name(), arm.model, data, "test"}, inner);
        inner.events->note(cost_text(result.analysis, result.cost));
        analysis = std::move(result.analysis);
        write_file(path, analysis_json(*analysis).dump() + "\n");
        inner.events->note(fmt::format("analysed {}", arm.name()));
      }
      networks[i] = {arm.arm.name, arm.seed, std::move(*analysis)};
    });
  }
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  run_jobs(jobs, settings.threads > 0 ? settings.threads : static_cast<int>(processors), context);
  return networks;
}

double mean_loss(const std::vector<Trial>& trials, FaultKind kind, double rate, double clean,
                 double images) {
  double sum = 0;
  std::uint64_t count = 0;
  for (const Trial& trial : trials) {
    if (trial.kind != kind || trial.rate != rate) continue;
    sum += clean - 100 * static_cast<double>(trial.correct) / images;
    ++count;
  }
  FLATENN_ASSERT(count > 0);
  return sum / static_cast<double>(count);
}

/// What the study's campaign measured. Throws Error when it is not finished.
std::vector<LossCell> read_losses(const StudySettings& study, const std::vector<TrainedArm>& arms,
                                  const Dataset& data, const fs::path& folder) {
  const CampaignSettings& campaign = study.campaign;
  const Store store = Store::open_read_only(folder / "faults.db");
  const Dataset images = campaign_images(campaign, data);
  for (const TrainedArm& arm : arms) {
    const Subject wanted = campaign_subject(campaign, {arm.name(), &arm.model}, images, "test");
    if (store.find_subject(wanted.key())) continue;
    fail("{}: no trials of {}; finish it first with 'flatenn study'", folder.string(), arm.name());
  }
  const std::vector<MeasuredArm> measured = read_measured(campaign, arms, images, "test", store);
  const std::size_t trials = campaign.kinds.size() * campaign.rates.size() * campaign.maps;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (measured[i].trials.size() == trials) continue;
    fail("{}: {} of {} trials of {}; finish it first with 'flatenn study'", folder.string(),
         measured[i].trials.size(), trials, arms[i].name());
  }
  std::vector<LossCell> cells;
  for (const FaultKind kind : campaign.kinds) {
    for (const double rate : campaign.rates) {
      LossCell& cell = cells.emplace_back(LossCell{kind, rate, {}});
      for (const MeasuredArm& arm : measured) {
        cell.lost.push_back(
            mean_loss(arm.trials, kind, rate, arm.clean, static_cast<double>(arm.images)));
      }
    }
  }
  return cells;
}

/// Predicted against measured, for the parts that one sweep exposes.
Ranking rank_parts(const ExplainSettings& settings, const CampaignSettings& sweep,
                   const TrainedArm& arm, const Analysis& analysis, const Dataset& images,
                   const Store& store) {
  const FaultKind kind = sweep.kinds.front();
  const bool layers = sweep.sweep == Sweep::layers;
  Ranking ranking{arm.name(), layers ? "layers" : "bits", kind, settings.sweep_rate, {}, {}};
  ranking.parts = layers ? predicted_layers(analysis, kind, settings.sweep_rate)
                         : predicted_positions(analysis, kind, settings.sweep_rate);
  const std::vector<CampaignSettings> parts = expand_sweep(sweep, arm.model);
  FLATENN_ASSERT(parts.size() == ranking.parts.size());  // both in memory order
  std::vector<double> predicted, measured;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string key =
        campaign_subject(parts[i], {arm.name(), &arm.model}, images, "test").key();
    const std::optional<Subject> subject = store.find_subject(key);
    FLATENN_ASSERT(subject.has_value());
    const auto count = static_cast<double>(subject->images);
    const double clean = 100 * static_cast<double>(subject->clean_correct) / count;
    std::vector<Trial> trials = store.trials(key);
    std::erase_if(trials, [&](const Trial& trial) {
      return trial.map < sweep.first_map || trial.map - sweep.first_map >= sweep.maps;
    });
    ranking.parts[i].measured = mean_loss(trials, kind, settings.sweep_rate, clean, count);
    predicted.push_back(ranking.parts[i].predicted);
    measured.push_back(ranking.parts[i].measured);
  }
  ranking.correlation = spearman_interval(predicted, measured);
  return ranking;
}

std::vector<Ranking> rank_arms(const ExplainSettings& settings, const StudySettings& study,
                               const std::vector<TrainedArm>& arms,
                               const std::vector<StudyAnalysis::Network>& networks,
                               const Dataset& data, const fs::path& folder,
                               const Context& context) {
  std::vector<Ranking> rankings;
  if (settings.sweep_maps == 0) return rankings;
  CampaignSettings campaign = study.campaign;
  campaign.kinds = {FaultKind::flip};
  campaign.rates = {settings.sweep_rate};
  campaign.maps = settings.sweep_maps;
  // What derivatives speak of, whatever the study exposed: independent cells of all weights.
  campaign.source = CampaignSettings().source;
  campaign.memory = CampaignSettings().memory;
  campaign.exposed = {};
  campaign.headroom = 1;
  campaign.placement = campaign.guard = {};
  Store store = Store::open(folder / "sweeps.db");
  const Dataset images = campaign_images(campaign, data);
  const std::uint64_t first_seed = arms.front().seed;
  for (const Sweep sweep : {Sweep::layers, Sweep::bits}) {
    campaign.sweep = sweep;
    std::vector<CampaignModel> models;
    for (const TrainedArm& arm : arms) {
      if (arm.seed == first_seed) models.push_back({arm.name(), &arm.model});
    }
    run_campaign(campaign, models, data, "test", store, context);
    for (std::size_t i = 0; i < arms.size(); ++i) {
      if (arms[i].seed != first_seed) continue;
      rankings.push_back(
          rank_parts(settings, campaign, arms[i], networks[i].analysis, images, store));
    }
  }
  return rankings;
}

}  // namespace

StudyAnalysis explain_study(const ExplainSettings& settings, const fs::path& folder,
                            const Context& context) {
  check_settings(settings.analysis);
  const StudySettings study = read_study(folder);
  const std::vector<TrainedArm> arms = read_arms(study, folder);
  const Dataset data = load_dataset(study.train.dataset, Split::test, study.train.data_folder);
  const std::vector<LossCell> cells = read_losses(study, arms, data, folder);
  StudyAnalysis result;
  result.networks = analyse(settings.analysis, arms, data, folder, context);
  result.correlations = correlate(result.networks, cells, settings.analysis.seed);
  choose_best(result);
  result.rankings = rank_arms(settings, study, arms, result.networks, data, folder, context);
  write_file(folder / "analysis.json", study_analysis_json(result).dump() + "\n");
  write_file(folder / "analysis.txt", study_analysis_text(result));
  return result;
}

}  // namespace flatenn
