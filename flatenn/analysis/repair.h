// Repair: normalisation recalibrated after deployment, on images without labels.
//
// Faulty weights shift and stretch what a layer computes, channel by channel; what follows expects
// the statistics of training. Batch norm with stale statistics is known to be fragile for this very
// reason, and statistics of the faulty network repair it (Stutz et al., MLSys 2021, appendix). A
// deployed network has no batch norm, but one multiplier and one addend a channel behind every
// layer: the same repair sets them so that each channel of the faulty network has the mean and the
// deviation, over images and places, that it had without faults. Weights stay as faulty as they
// are; the multipliers and addends, two numbers a channel, are kept where scales are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/campaign/settings.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// Of what a conv2d or linear node gives, over images and places, a channel each.
struct ChannelMoments {
  int node = 0;  ///< index in Model::graph
  std::vector<double> mean, deviation;
};

/// Of every layer but those that the output reads, on the first `images` images, in graph order.
/// Preconditions: check_model accepts the model, the images fit, there are so many.
std::vector<ChannelMoments> channel_moments(const Model& model, const Dataset& data,
                                            std::size_t images);

/// `model` with the affine of these layers set so that on the first `images` images each channel
/// has the target's moments, one layer after the other. A channel that is constant is shifted
/// alone. The codes stay. Preconditions as above; `target` is channel_moments of a network of the
/// same graph.
Model recalibrate(const Model& model, std::span<const ChannelMoments> target, const Dataset& data,
                  std::size_t images);

/// One kind of fault at one rate; rate 0: clean memory. Accuracies in percent on the test images.
struct RepairCell {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::vector<double> faulty, repaired;  ///< a map each
  Interval gain;                         ///< repaired - faulty, points: mean, 95 % t interval
};

struct RepairResult {
  double clean = 0;
  /// Without faults, recalibrated all the same: what estimating from few images costs.
  double clean_recalibrated = 0;
  std::vector<RepairCell> cells;  ///< in the settings' order: kinds, then rates
};

/// Targets and recalibration on the first `calibration_images` of `calibration`, labels unused;
/// accuracies on `test`. Kinds, rates, maps, source and exposed weights are the campaign's, its
/// other settings have no say. The task "repair" in trials. Throws Error for more calibration
/// images than there are, fewer than two, memories other than weights, sources without a rate;
/// Interrupted.
RepairResult measure_repair(const Model& model, const CampaignSettings& settings,
                            const Dataset& calibration, std::size_t calibration_images,
                            const Dataset& test, const Context& context = default_context());

}  // namespace flatenn
