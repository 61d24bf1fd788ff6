#include "flatenn/engine/int8_weights.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn::int8 {

PackedWeights::PackedWeights(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {
  const std::vector<WeightTensor>& tensors = plan_->model.weights;
  for (int t = 0; t < std::ssize(tensors); ++t) {
    const LayerStep& layer = plan_->layer_of(t);
    const std::size_t padded = layer.multiplier.size();
    std::vector<float> addend = plan_->model.affine[tensors[t].node].addend;
    addend.resize(padded);
    const int norm = layer.norm.node;
    const std::size_t entries = layer.winograd ? winograd_entries : 1;
    tensors_.push_back({size_, std::vector<std::int32_t>(entries * padded), std::move(addend),
                        norm < 0 ? std::vector<float>() : plan_->model.affine[norm].addend});
    size_ += (layer.weight_bytes() + cell_bytes - 1) / cell_bytes * cell_bytes;
  }
  for (std::size_t n = 0; n < plan_->model.graph.nodes.size(); ++n) {
    const bool affine = std::holds_alternative<ChannelAffine>(plan_->model.graph.nodes[n].op);
    node_addends_.push_back(affine ? plan_->model.affine[n].addend : std::vector<float>());
    node_addends_.back().resize((node_addends_.back().size() + 3) / 4 * 4);
  }
  bytes_ = AlignedBytes(size_);
  std::memset(bytes_.data(), 0, size_);
  for (int t = 0; t < std::ssize(tensors); ++t) {
    for (std::int64_t e = 0; e < std::ssize(tensors[t].codes); ++e) set(t, e, tensors[t].codes[e]);
  }
}

PackedWeights::PackedWeights(const PackedWeights& other)
    : plan_(other.plan_),
      tensors_(other.tensors_),
      node_addends_(other.node_addends_),
      size_(other.size_),
      bytes_(other.size_) {
  std::memcpy(bytes_.data(), other.bytes_.data(), size_);
}

void PackedWeights::copy(const PackedWeights& other) {
  const std::vector<WeightTensor>& tensors = plan_->model.weights;
  for (int t = 0; t < std::ssize(tensors); ++t) {
    for (std::int64_t e = 0; e < std::ssize(tensors[t].codes); ++e) set(t, e, other.get(t, e));
    std::copy_n(other.addend(t), tensors[t].shape[0], tensors_[t].addend.begin());
    tensors_[t].norm_addend = other.tensors_[t].norm_addend;
  }
  node_addends_ = other.node_addends_;
}

void PackedWeights::set_addend(int tensor, int channel, float value) {
  FLATENN_ASSERT(tensor >= 0 && tensor < std::ssize(tensors_));
  FLATENN_ASSERT(channel >= 0 && channel < plan_->model.weights[tensor].shape[0]);
  tensors_[tensor].addend[channel] = value;
}

void PackedWeights::set_norm_addend(int tensor, int channel, float value) {
  FLATENN_ASSERT(tensor >= 0 && tensor < std::ssize(tensors_));
  FLATENN_ASSERT(channel >= 0 && channel < std::ssize(tensors_[tensor].norm_addend));
  tensors_[tensor].norm_addend[channel] = value;
}

void PackedWeights::set_node_addend(int node, int channel, float value) {
  FLATENN_ASSERT(node >= 0 && node < std::ssize(node_addends_));
  FLATENN_ASSERT(channel >= 0 && channel < std::ssize(plan_->model.affine[node].addend));
  node_addends_[node][channel] = value;
}

std::size_t PackedWeights::byte_of(int tensor, std::int64_t element) const {
  FLATENN_ASSERT(tensor >= 0 && tensor < std::ssize(tensors_));
  FLATENN_ASSERT(element >= 0 && element < std::ssize(plan_->model.weights[tensor].codes));
  const LayerStep& layer = plan_->layer_of(tensor);
  const std::int64_t window = std::ssize(layer.gather.slots);
  return tensors_[tensor].place + layer.weight_at(element / window, element % window);
}

PackedWeights::Place PackedWeights::transformed(int tensor, std::int64_t element) const {
  FLATENN_ASSERT(element >= 0 && element < std::ssize(plan_->model.weights[tensor].codes));
  const std::int64_t inputs = plan_->model.weights[tensor].shape[1];
  const std::int64_t channel = element / 9 / inputs;
  const LayerStep& layer = plan_->layer_of(tensor);
  return {channel, static_cast<int>(element % 9) / 3, static_cast<int>(element % 3),
          tensors_[tensor].place + layer.winograd_weight_at(channel, element / 9 % inputs)};
}

/// A weight takes part in up to nine of the sixteen entries.
void PackedWeights::set_transformed(int tensor, std::int64_t element, std::int8_t code) {
  FLATENN_ASSERT(std::abs(code) <= widest_winograd_weight);
  const Place at = transformed(tensor, element);
  const LayerStep& layer = plan_->layer_of(tensor);
  const int width = layer.tile->channels;
  std::uint8_t* const bytes = bytes_.data() + at.entries;
  const int change = code - winograd_weight(reinterpret_cast<const std::int8_t*>(bytes),
                                            std::ptrdiff_t{4} * width, at.ky, at.kx);
  if (change == 0) return;
  const auto& counts = winograd_counts(at.ky, at.kx);
  std::int32_t* const bias = tensors_[tensor].bias.data() +
                             at.channel / width * winograd_entries * width + at.channel % width;
  const auto& offsets = layer.winograd->offsets;
  for (std::size_t e = 0; e < winograd_entries; ++e) {
    const int moves = counts[e] * change;
    std::uint8_t& byte = bytes[e * width * 4];
    byte = static_cast<std::uint8_t>(byte + moves);
    bias[e * width] -= offsets[e] * moves;
  }
}

void PackedWeights::set(int tensor, std::int64_t element, std::int8_t code) {
  if (plan_->layer_of(tensor).winograd) return set_transformed(tensor, element, code);
  std::uint8_t& byte = bytes_.data()[byte_of(tensor, element)];
  const auto old = static_cast<std::int8_t>(byte);
  byte = static_cast<std::uint8_t>(code);
  const LayerStep& layer = plan_->layer_of(tensor);
  tensors_[tensor].bias[element / std::ssize(layer.gather.slots)] -=
      layer.zero_point * (code - old);
}

std::int8_t PackedWeights::get(int tensor, std::int64_t element) const {
  const LayerStep& layer = plan_->layer_of(tensor);
  if (layer.winograd) {
    const Place at = transformed(tensor, element);
    const auto* bytes = reinterpret_cast<const std::int8_t*>(bytes_.data() + at.entries);
    const std::ptrdiff_t stride = std::ptrdiff_t{4} * layer.tile->channels;
    return static_cast<std::int8_t>(winograd_weight(bytes, stride, at.ky, at.kx));
  }
  return static_cast<std::int8_t>(bytes_.data()[byte_of(tensor, element)]);
}

}  // namespace flatenn::int8
