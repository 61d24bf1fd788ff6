// Weights packed as the kernels read them, patched code by code, and the addends beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flatenn/engine/int8_bytes.h"
#include "flatenn/engine/int8_plan.h"

namespace flatenn::int8 {

/// All weight tensors and biases of a plan. Copies are deep. A channel's sum starts from its bias,
/// minus the zero point times its weights, so that the kernels can read bytes instead of signed
/// codes.
class PackedWeights {
 public:
  /// The codes and addends of the plan's model.
  explicit PackedWeights(std::shared_ptr<const Plan> plan);
  PackedWeights(const PackedWeights& other);
  PackedWeights(PackedWeights&&) = default;
  PackedWeights& operator=(const PackedWeights&) = delete;
  PackedWeights& operator=(PackedWeights&&) = default;

  /// What `other` holds, which packs the same model for another plan.
  void copy(const PackedWeights& other);

  /// O(1). `tensor` and `element` as in CodeWrite.
  void set(int tensor, std::int64_t element, std::int8_t code);
  std::int8_t get(int tensor, std::int64_t element) const;

  /// NodeAffine::addend of the layer that reads the tensor, and of the group_norm behind it.
  void set_addend(int tensor, int channel, float value);
  void set_norm_addend(int tensor, int channel, float value);
  /// NodeAffine::addend of a channel_affine.
  void set_node_addend(int node, int channel, float value);

  const std::int8_t* weights(int tensor) const {
    return reinterpret_cast<const std::int8_t*>(bytes_.data() + tensors_[tensor].place);
  }
  const std::int32_t* bias(int tensor) const { return tensors_[tensor].bias.data(); }
  const float* addend(int tensor) const { return tensors_[tensor].addend.data(); }
  /// One a channel; none without a group_norm.
  const float* norm_addend(int tensor) const { return tensors_[tensor].norm_addend.data(); }
  /// One a channel, padded to whole groups.
  const float* node_addend(int node) const { return node_addends_[node].data(); }

 private:
  struct Tensor {
    std::size_t place = 0;
    /// One a channel, padded to whole blocks; with winograd blocks x entries x channels.
    std::vector<std::int32_t> bias;
    std::vector<float> addend;       ///< the same
    std::vector<float> norm_addend;  ///< one a channel, or none
  };

  std::size_t byte_of(int tensor, std::int64_t element) const;
  /// A weight of a layer with winograd, and entry 0 of its transformed kernel among the bytes.
  struct Place {
    std::int64_t channel;
    int ky, kx;
    std::size_t entries;
  };
  Place transformed(int tensor, std::int64_t element) const;
  void set_transformed(int tensor, std::int64_t element, std::int8_t code);

  std::shared_ptr<const Plan> plan_;
  std::vector<Tensor> tensors_;
  std::vector<std::vector<float>> node_addends_;  ///< one a node; empty but for channel_affine
  std::size_t size_ = 0;
  AlignedBytes bytes_;
};

}  // namespace flatenn::int8
