// Campaign: measure networks under many fault maps; resumable, the same result in any order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/campaign/store.h"
#include "flatenn/config/bind.h"
#include "flatenn/data/dataset.h"
#include "flatenn/engine/evaluator.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// What to measure. Every combination of kind, rate and map is one trial a network.
struct CampaignSettings {
  std::vector<FaultKind> kinds = {FaultKind::flip, FaultKind::stuck0, FaultKind::stuck1};
  std::vector<double> rates = {0.001, 0.005, 0.01, 0.02, 0.03, 0.05};
  std::uint64_t maps = 50;
  std::uint64_t first_map = 0;  ///< final figures: from 0; choices on validation: from 10,000
  std::uint64_t seed = 1;
  std::vector<std::string> exposed;  ///< glob patterns of tensor names; empty: all weights
  std::uint64_t images = 0;          ///< the first n images; 0: all
  Engine engine = Engine::automatic;
  int threads = 0;  ///< 0: all processors
  /// Record which images each trial classified rightly: images / 8 bytes a trial in the store.
  bool per_image = false;
};
void bind(Binder& binder, CampaignSettings& settings);
/// Throws Error for empty or repeated kinds and rates, rates outside [0, 1], no maps.
void check_settings(const CampaignSettings& settings);

struct CampaignModel {
  std::string label;
  const Model* model = nullptr;
};

/// The subject that run_campaign registers for `model`, without its clean_correct. `images` are the
/// very images evaluated (settings.images already applied).
Subject campaign_subject(const CampaignSettings& settings, const CampaignModel& model,
                         const Dataset& images, std::string_view split);

/// The first settings.images images; throws Error when there are fewer.
Dataset campaign_images(const CampaignSettings& settings, const Dataset& data);

/// Throws Error for what run_campaign would refuse before the first trial: settings, labels, images
/// that do not fit, exposed tensors that a model lacks. Nothing needs to be stored to know.
void check_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                    const Dataset& data);

/// Runs the trials that the store lacks (with per_image, also those stored without). Results do not
/// depend on threads, order or interruptions. Stops with Interrupted, everything finished stored.
/// `split` names where `data` comes from.
void run_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                  const Dataset& data, std::string_view split, Store& store,
                  const Context& context = default_context());

/// The same trials of one network without a store, ordered by kind, rate, map. `images` as for
/// campaign_subject; `clean` are the classes without faults, one an image, where the caller has
/// them.
std::vector<Trial> measure_trials(const CampaignSettings& settings, const CampaignModel& model,
                                  const Dataset& images, const Context& context = default_context(),
                                  std::span<const std::uint8_t> clean = {});

}  // namespace flatenn
