#include "flatenn/graph/dead_channels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace flatenn {
namespace {

/// The upper one of two in the middle.
double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::vector<DeadChannels> dead_channels(const Model& model) {
  std::vector<DeadChannels> result;
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor& weights = model.weights[t];
    const std::vector<float>& multiplier =
        model.affine[static_cast<std::size_t>(weights.node)].multiplier;
    const std::size_t each = weights.codes.size() / multiplier.size();
    DeadChannels dead{static_cast<int>(t), {}, 0};
    double largest = 0;
    std::vector<double> others;
    for (std::size_t c = 0; c < multiplier.size(); ++c) {
      const auto codes = std::span(weights.codes).subspan(c * each, each);
      const double magnitude = std::abs(multiplier[c]);
      if (std::ranges::any_of(codes, [](std::int8_t code) { return code != 0; })) {
        others.push_back(magnitude);
      } else if (magnitude > 0) {
        dead.channels.push_back(static_cast<int>(c));
        largest = std::max(largest, magnitude);
      }
    }
    if (dead.channels.empty()) continue;
    const double usual = others.empty() ? 0 : median(std::move(others));
    if (usual > 0) dead.gain = largest / usual;
    result.push_back(std::move(dead));
  }
  return result;
}

std::size_t dead_channel_count(const std::vector<DeadChannels>& dead) {
  std::size_t count = 0;
  for (const DeadChannels& layer : dead) count += layer.channels.size();
  return count;
}

double largest_gain(const std::vector<DeadChannels>& dead) {
  double largest = 0;
  for (const DeadChannels& layer : dead) {
    largest =
        std::max(largest, layer.gain > 0 ? layer.gain : std::numeric_limits<double>::infinity());
  }
  return largest;
}

std::string describe(const std::vector<DeadChannels>& dead) {
  if (dead.empty()) return "";
  const std::size_t count = dead_channel_count(dead);
  const double gain = largest_gain(dead);
  return fmt::format("{} only codes 0; what faults make of {} {} (flatenn silence)",
                     count == 1 ? "1 channel holds" : fmt::format("{} channels hold", count),
                     count == 1 ? "it" : "them",
                     std::isinf(gain)
                         ? "is all that a layer passes on"
                         : fmt::format("passes on up to {:.3g} times as large as elsewhere", gain));
}

Model silence_dead_channels(Model model) {
  for (const DeadChannels& dead : dead_channels(model)) {
    const int node = model.weights[static_cast<std::size_t>(dead.tensor)].node;
    std::vector<float>& multiplier = model.affine[static_cast<std::size_t>(node)].multiplier;
    for (const int channel : dead.channels) multiplier[static_cast<std::size_t>(channel)] = 0;
  }
  return model;
}

}  // namespace flatenn
