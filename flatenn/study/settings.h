// Settings of a study: which arms to train, where to choose, what to measure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/campaign/campaign.h"
#include "flatenn/config/bind.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// Fault maps with these ids and above are for choices on the validation split; ids below are for
/// final figures on the test split.
inline constexpr std::uint64_t kFirstValidationMap = 10000;

/// What distinguishes one arm from the others. Everything else is shared.
struct ArmSettings {
  std::string name;     ///< also its folder: letters, digits, '.', '_', '-'
  bool sparse = false;  ///< with the sparsity settings of [train], else without any
  std::string metric;   ///< of the sharpness-aware step plan; empty: plain training
  double radius = 0;    ///< of the sharpness-aware step plan
  /// Anything else of [train], as on the command line: "plan.kind=random_bit_error". Such an arm is
  /// a variant: measured and compared as all others, but no claim is judged on it.
  std::vector<std::string> set = {};

  bool variant() const { return !set.empty(); }
};

/// How the cell of the claims is chosen (choice.h).
struct ValidationSettings {
  std::uint64_t maps = 16;
  std::uint64_t images = 2000;  ///< of the validation split; 0: all
  double margin = 10;           ///< points above chance
  bool all_arms = false;        ///< measure every arm (for tuning), not the reference arm alone
};

struct StudySettings {
  TrainSettings train;  ///< shared by all arms; its seed and plan's kind come from the arms
  std::vector<ArmSettings> arms;
  std::vector<int> seeds = {0};
  CampaignSettings campaign;  ///< final figures, on the test split
  /// Every arm is measured also behind each of these (protection.h, parts in any order), for
  /// comparisons. Claims, and the choice of their cell, are about unprotected memories.
  std::vector<std::string> protections = {};
  ValidationSettings validation;
  int jobs = 0;  ///< trainings side by side; 0: as many as there are processors
};

void bind(Binder& binder, StudySettings& settings);

/// Throws Error for arms without or with equal names, two arms of the same role (sparse, metric)
/// that are not variants, variants with data or seeds of their own, radius without metric, repeated
/// seeds, fault maps of the final campaign that belong to validation, protections that are none,
/// are repeated, cannot be had with the campaign, or stand beside one of the campaign's own.
void check_settings(const StudySettings& settings);

/// What `arm` trains with. Settings that cannot matter to the arm have their defaults, so that
/// changing them does not call for training it again.
TrainSettings arm_training(const StudySettings& study, const ArmSettings& arm, std::uint64_t seed);

/// "sparse-saq-code-seed0": folder, label and name of one training.
std::string training_name(const ArmSettings& arm, std::uint64_t seed);

/// The campaign on the validation split.
CampaignSettings validation_campaign(const StudySettings& study);

/// The final campaign once more for each of the study's protections. Throws Error for a text that
/// is no protection.
std::vector<CampaignSettings> protected_campaigns(const StudySettings& study);

}  // namespace flatenn
