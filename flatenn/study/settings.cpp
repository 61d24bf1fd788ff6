#include "flatenn/study/settings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/campaign/exposed_network.h"

namespace flatenn {
namespace {

/// In the order of Metric, after the empty name of plain training.
const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"", "weight", "adaptive", "code",
                                                 "code_per_layer"};
  return names;
}

int metric_index(const std::string& name) {
  const auto& names = metric_names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) fail("unknown metric '{}'{}", name, suggestion(name, names));
  return static_cast<int>(it - names.begin());
}

void bind_arm(Binder& b, ArmSettings& s) {
  b.value("name", s.name, "name and folder of the arm");
  b.value("sparse", s.sparse, "train with the penalty of [train.sparsity]");
  int metric = metric_index(s.metric);
  b.choice("metric", metric, metric_names(), "of sharpness-aware training; empty: plain training");
  s.metric = metric_names()[static_cast<std::size_t>(metric)];
  b.value("radius", s.radius, "of sharpness-aware training", at_least(0));
  b.value("set", s.set, "other settings of [train], for example [\"averaging.kind=ema\"]");
}

void bind_validation(Binder& b, ValidationSettings& s) {
  b.value("maps", s.maps, "fault maps, ids from 10000", at_least(1));
  b.value("images", s.images, "the first n validation images; 0: all");
  b.value("margin", s.margin, "points above chance that the chosen cell must keep",
          between(0, 100));
  b.value("all_arms", s.all_arms, "measure every arm, not the reference alone");
}

bool is_folder_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return (c < 128 && std::isalnum(c)) || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), allowed);
}

void check_arms(const std::vector<ArmSettings>& arms) {
  if (arms.empty()) fail("a study needs at least one [[arm]]");
  std::set<std::string> names;
  std::set<std::pair<bool, std::string>> roles;
  for (const ArmSettings& arm : arms) {
    if (!is_folder_name(arm.name)) {
      fail("arm name '{}': use letters, digits, '.', '_' and '-', a letter or digit first",
           arm.name);
    }
    if (!names.insert(arm.name).second) fail("two arms are called '{}'", arm.name);
    if (!arm.variant() && !roles.insert({arm.sparse, arm.metric}).second) {
      fail(
          "arm '{}': another arm has the same sparse and metric, and the claims compare one of a "
          "kind; say in 'set' what is different",
          arm.name);
    }
    metric_index(arm.metric);
    if (arm.metric.empty() && arm.radius != 0) {
      fail("arm '{}': radius {} has no effect without a metric", arm.name, arm.radius);
    }
  }
}

void check_seeds(const std::vector<int>& seeds) {
  if (seeds.empty()) fail("seeds: the list is empty");
  const std::set<int> distinct(seeds.begin(), seeds.end());
  if (distinct.size() != seeds.size()) fail("seeds: a seed is listed twice");
  if (*distinct.begin() < 0) fail("seeds: {} is negative", *distinct.begin());
}

void check_shared_training(const StudySettings& study) {
  const TrainSettings& train = study.train;
  if (train.seed != 0) fail("train.seed: a study lists its seeds in 'seeds'");
  if (train.plan.kind != StepPlanKind::plain || train.plan.radius != 0) {
    fail("train.plan: kind, metric and radius of a study stand in its arms");
  }
  const bool sparse = std::any_of(study.arms.begin(), study.arms.end(),
                                  [](const ArmSettings& arm) { return arm.sparse; });
  if (sparse && train.sparsity.strength <= 0) {
    fail("train.sparsity.strength: a sparse arm needs it above 0, for example 3e-5");
  }
}

/// Throws Error, naming the key, unless the text is a protection.
Protection study_protection(const StudySettings& study, const std::string& text) {
  try {
    const Protection protection = read_protection(text, study.campaign.geometry);
    if (!protection.any()) fail("\"{}\" protects nothing", text);
    return protection;
  } catch (const Error& error) {
    fail("protections: {}", error.what());
  }
}

void check_protections(const StudySettings& study) {
  if (study.protections.empty()) return;
  const CampaignSettings& campaign = study.campaign;
  const char* key = campaign.headroom != 1        ? "headroom"
                    : !campaign.placement.empty() ? "placement"
                    : !campaign.guard.empty()     ? "guard"
                                                  : nullptr;
  if (key != nullptr) {
    fail(
        "protections and campaign.{}: protections are measured beside the campaign's memory, which "
        "must have none of its own; name that one in 'protections' too",
        key);
  }
  std::set<std::string> distinct;
  for (const CampaignSettings& one : protected_campaigns(study)) {
    check_settings(one);
    const std::string text = to_string(campaign_protection(one));
    if (!distinct.insert(text).second) fail("protections: {} is listed twice", text);
  }
}

}  // namespace

void bind(Binder& b, StudySettings& s) {
  b.value("seeds", s.seeds, "training seeds: every arm is trained once with each", at_least(0));
  b.value("jobs", s.jobs, "trainings side by side; 0: one a processor", between(0, 1024));
  b.value("protections", s.protections,
          "measure every arm also behind each of these, for example [\"secded:64\", "
          "\"headroom:2+bound:1\"]");
  b.section("train", [&] { bind(b, s.train); });
  b.list(
      "arm",
      [&](std::size_t n) {
        if (n != Binder::kKeep) s.arms.resize(n);
        return s.arms.size();
      },
      [&](std::size_t i) { bind_arm(b, s.arms[i]); });
  b.section("campaign", [&] { bind(b, s.campaign); });
  b.section("validation", [&] { bind_validation(b, s.validation); });
}

void check_settings(const StudySettings& study) {
  check_arms(study.arms);
  check_seeds(study.seeds);
  check_shared_training(study);
  for (const ArmSettings& arm : study.arms) check_settings(arm_training(study, arm, 0));
  check_settings(study.campaign);
  check_settings(validation_campaign(study));
  const CampaignSettings& campaign = study.campaign;
  if (campaign.sequential() || campaign.single_bit() || campaign.sweep != Sweep::none) {
    fail(
        "campaign: a study compares its arms on the same fault maps; until, sweep and source = "
        "\"single\" are for 'flatenn campaign'");
  }
  if (campaign.first_map >= kFirstValidationMap ||
      campaign.maps > kFirstValidationMap - campaign.first_map) {
    fail("campaign: maps {} from {} reach {}, where the maps of validation begin", campaign.maps,
         campaign.first_map, kFirstValidationMap);
  }
  check_protections(study);
}

namespace {

/// The settings with the arm's own over them.
void apply_variant(const ArmSettings& arm, TrainSettings& train) {
  if (!arm.variant()) return;
  const TrainSettings shared = train;
  const auto bind_all = [&](Binder& b) { bind(b, train); };
  try {
    read_config_text(write_config(bind_all), "", arm.set, bind_all);
  } catch (const Error& error) {
    fail("arm '{}': {}", arm.name, error.what());
  }
  if (train.dataset != shared.dataset || train.data_folder != shared.data_folder ||
      train.seed != shared.seed) {
    fail("arm '{}': all arms of a study have the same data and seeds", arm.name);
  }
}

}  // namespace

TrainSettings arm_training(const StudySettings& study, const ArmSettings& arm, std::uint64_t seed) {
  TrainSettings train = study.train;
  train.seed = seed;
  if (!arm.sparse) train.sparsity = {};
  if (arm.metric.empty()) {
    train.plan = {};
  } else {
    train.plan.kind = StepPlanKind::sharpness_aware;
    train.plan.metric = static_cast<Metric>(metric_index(arm.metric) - 1);
    train.plan.radius = arm.radius;
  }
  apply_variant(arm, train);
  return train;
}

std::string training_name(const ArmSettings& arm, std::uint64_t seed) {
  return fmt::format("{}-seed{}", arm.name, seed);
}

CampaignSettings validation_campaign(const StudySettings& study) {
  CampaignSettings campaign = study.campaign;
  campaign.first_map = kFirstValidationMap;
  campaign.maps = study.validation.maps;
  campaign.images = study.validation.images;
  return campaign;
}

std::vector<CampaignSettings> protected_campaigns(const StudySettings& study) {
  std::vector<CampaignSettings> campaigns;
  for (const std::string& text : study.protections) {
    const Protection protection = study_protection(study, text);
    CampaignSettings& campaign = campaigns.emplace_back(study.campaign);
    campaign.headroom = protection.headroom;
    campaign.placement = to_string(protection.placement);
    campaign.guard = to_string(protection.guard);
  }
  return campaigns;
}

}  // namespace flatenn
