// Measured: from the trials of a store to the accuracies that claims are judged on.
#pragma once

#include <string>
#include <vector>

#include "flatenn/campaign/campaign.h"
#include "flatenn/campaign/store.h"
#include "flatenn/study/settings.h"
#include "flatenn/study/summary.h"

namespace flatenn {

/// One finished training.
struct TrainedArm {
  ArmSettings arm;
  std::uint64_t seed = 0;
  Model model;

  std::string name() const { return training_name(arm, seed); }
};

/// What a campaign measured of one network.
struct MeasuredArm {
  ArmSettings arm;
  std::uint64_t seed = 0;
  std::uint64_t images = 0;
  double clean = 0;           ///< percent of the images right without faults
  std::vector<Trial> trials;  ///< of the campaign's kinds, rates and maps, by kind, rate, map
};

/// Reads what run_campaign stored. `images` are the very images evaluated.
std::vector<MeasuredArm> read_measured(const CampaignSettings& campaign,
                                       const std::vector<TrainedArm>& arms, const Dataset& images,
                                       std::string_view split, const Store& store);

/// Kind by kind in the campaign's order, rates ascending. Arms in order of first appearance, their
/// seeds side by side. Precondition: every arm has every seed, kind, rate and map.
std::vector<CellAccuracies> collect_cells(const CampaignSettings& campaign,
                                          const std::vector<MeasuredArm>& arms);

std::vector<FaultyResult> collect_faulty(const CampaignSettings& campaign,
                                         const std::vector<MeasuredArm>& arms);

}  // namespace flatenn
