// Dead channels: output channels of a conv2d or linear node whose stored codes are all 0.
//
// Their integer sum is 0 for every input, so their multiplier has no say in what a network computes
// from clean memory, and training leaves any number there. Batch norm leaves a large one: folded,
// it is gamma / sqrt(variance + epsilon), and the variance of such a channel is 0. A code that a
// fault makes different from 0 is then passed on hundreds of times as large as those of other
// channels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "flatenn/graph/model.h"

namespace flatenn {

/// Those of one layer, at least one.
struct DeadChannels {
  int tensor = 0;             ///< index in Model::weights
  std::vector<int> channels;  ///< ascending
  /// The largest multiplier among them over the (upper) median of the layer's others, magnitudes;
  /// 0 where there is no other channel.
  double gain = 0;
  bool operator==(const DeadChannels&) const = default;
};

/// Of layers that have some, in graph order. Channels whose multiplier is 0 already are left out.
/// Precondition: check_model accepts.
std::vector<DeadChannels> dead_channels(const Model& model);
/// Channels of all layers.
std::size_t dead_channel_count(const std::vector<DeadChannels>& dead);
/// Of all layers: infinite where a layer has no other channel, 0 where none is dead.
double largest_gain(const std::vector<DeadChannels>& dead);
/// One line for a person; empty where there is none.
std::string describe(const std::vector<DeadChannels>& dead);

/// The same function of clean memory, in which faults in dead channels have no effect: their
/// multipliers are 0. The codes, and what training says of the network, stay. Precondition as
/// above.
Model silence_dead_channels(Model model);

}  // namespace flatenn
