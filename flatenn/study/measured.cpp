#include "flatenn/study/measured.h"

#include <algorithm>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

double percent(std::uint64_t correct, std::uint64_t images) {
  return 100.0 * static_cast<double>(correct) / static_cast<double>(images);
}

bool wanted(const CampaignSettings& campaign, const Trial& trial) {
  return trial.map >= campaign.first_map && trial.map - campaign.first_map < campaign.maps &&
         std::ranges::find(campaign.kinds, trial.kind) != campaign.kinds.end() &&
         std::ranges::find(campaign.rates, trial.rate) != campaign.rates.end();
}

/// Accuracy on each map, in the order of their ids.
std::vector<double> accuracies(const CampaignSettings& campaign, const MeasuredArm& arm,
                               FaultKind kind, double rate) {
  std::vector<double> result;
  for (const Trial& trial : arm.trials) {
    if (trial.kind != kind || trial.rate != rate) continue;
    FLATENN_ASSERT(trial.map == campaign.first_map + result.size());
    result.push_back(percent(trial.correct, arm.images));
  }
  FLATENN_ASSERT(result.size() == campaign.maps);
  return result;
}

CellAccuracies collect_cell(const CampaignSettings& campaign,
                            const std::vector<MeasuredArm>& measured, FaultKind kind, double rate) {
  CellAccuracies cell{kind, rate, {}};
  for (const MeasuredArm& one : measured) {
    auto arm = std::ranges::find(cell.arms, one.arm.name, &ArmAccuracies::name);
    if (arm == cell.arms.end()) {
      arm = cell.arms.insert(
          arm, {one.arm.name, one.arm.sparse, one.arm.metric, {}, {}, one.arm.variant()});
    }
    arm->clean.push_back(one.clean);
    arm->faulty.push_back(accuracies(campaign, one, kind, rate));
  }
  return cell;
}

}  // namespace

std::vector<MeasuredArm> read_measured(const CampaignSettings& campaign,
                                       const std::vector<TrainedArm>& arms, const Dataset& images,
                                       std::string_view split, const Store& store) {
  std::vector<MeasuredArm> result;
  for (const TrainedArm& arm : arms) {
    const std::string key =
        campaign_subject(campaign, {arm.name(), &arm.model}, images, split).key();
    const std::optional<Subject> subject = store.find_subject(key);
    FLATENN_ASSERT(subject.has_value());
    MeasuredArm measured{arm.arm, arm.seed, subject->images,
                         percent(subject->clean_correct, subject->images), store.trials(key)};
    std::erase_if(measured.trials, [&](const Trial& trial) { return !wanted(campaign, trial); });
    result.push_back(std::move(measured));
  }
  return result;
}

std::vector<CellAccuracies> collect_cells(const CampaignSettings& campaign,
                                          const std::vector<MeasuredArm>& arms) {
  std::vector<double> rates = campaign.rates;
  std::ranges::sort(rates);
  std::vector<CellAccuracies> cells;
  for (const FaultKind kind : campaign.kinds) {
    for (const double rate : rates) cells.push_back(collect_cell(campaign, arms, kind, rate));
  }
  return cells;
}

std::vector<FaultyResult> collect_faulty(const CampaignSettings& campaign,
                                         const std::vector<MeasuredArm>& arms) {
  const MapRange maps{campaign.first_map, campaign.first_map + campaign.maps};
  std::vector<FaultyResult> faulty;
  for (const MeasuredArm& arm : arms) {
    for (const CellSummary& cell : summarize_cells(arm.trials, arm.images, maps)) {
      faulty.push_back({arm.arm.name, arm.seed, arm.images, cell});
    }
  }
  return faulty;
}

}  // namespace flatenn
