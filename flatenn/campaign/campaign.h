// Campaign: measure networks under many fault maps; resumable, the same result in any order.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/campaign/settings.h"
#include "flatenn/campaign/shard.h"
#include "flatenn/campaign/store.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

struct CampaignModel {
  std::string label;
  const Model* model = nullptr;
};

/// The settings of each subject of `model`: one, with the same settings, unless they sweep.
std::vector<CampaignSettings> expand_sweep(const CampaignSettings& settings, const Model& model);

/// The subject that run_campaign registers for `model`, without its clean_correct. `images` are the
/// very images evaluated (settings.images already applied). Precondition: the settings do not
/// sweep.
Subject campaign_subject(const CampaignSettings& settings, const CampaignModel& model,
                         const Dataset& images, std::string_view split);

/// The first settings.images images; throws Error when there are fewer.
Dataset campaign_images(const CampaignSettings& settings, const Dataset& data);

/// Throws Error for what run_campaign would refuse before the first trial: settings, labels, images
/// that do not fit, exposed tensors that a model lacks, a map file for another memory. Nothing
/// needs to be stored to know.
void check_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                    const Dataset& data);

/// Throws Error, with both hashes, when the store holds trials of another model under the label of
/// one of these.
void check_unchanged(const std::vector<CampaignModel>& models, const Store& store);

/// Runs the trials of this part of the campaign that the store lacks (with per_image, also those
/// stored without). Results do not depend on threads, order, parts or interruptions. Stops with
/// Interrupted, everything finished stored. `split` names where `data` comes from.
void run_campaign(const CampaignSettings& settings, const std::vector<CampaignModel>& models,
                  const Dataset& data, std::string_view split, Store& store,
                  const Context& context = default_context(), const Shard& shard = {});

/// The same trials of one network without a store, ordered by kind, rate, map. `images` as for
/// campaign_subject; `clean` are the classes without faults, one an image, where the caller has
/// them. Precondition: the settings do not sweep.
std::vector<Trial> measure_trials(const CampaignSettings& settings, const CampaignModel& model,
                                  const Dataset& images, const Context& context = default_context(),
                                  std::span<const std::uint8_t> clean = {});

}  // namespace flatenn
