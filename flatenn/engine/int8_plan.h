// Plan: a model compiled for Int8Evaluator, as steps over buffers of cells. Immutable and shared by
// all clones; what changes (weights, biases, buffers) lives in the evaluator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_layout.h"
#include "flatenn/engine/int8_winograd.h"
#include "flatenn/graph/model.h"

namespace flatenn::int8 {

inline constexpr int logits = -1;  ///< instead of a buffer: the step's values are the answer

/// Where a step's values go: into a buffer as codes, clipped to [low, high], or into the logits.
struct Destination {
  int buffer = logits;
  float low = 0, high = 0;
  std::vector<std::int32_t> offsets;  ///< one an output position
  int channels = 0;
};

/// A residual addition that joined the layer before it, whose own codes then lie in no buffer.
struct JoinedAdd {
  int in = -1;  ///< buffer of the other tensor; -1: no addition
  std::vector<std::int32_t> offsets;
  float low = 0, high = 0;   ///< clip range of the layer's codes
  float multiplier[2] = {};  ///< of the layer's and of the other codes
};

/// A group_norm between a layer and its quantization. It needs all values of an image first.
struct JoinedNorm {
  int node = -1;  ///< in Model::graph; -1: no normalization
  int groups = 1;
  double epsilon = 0;
  std::vector<float> multiplier;  ///< one a channel
};

/// conv2d or linear with its affine and quantization, and perhaps 2x2 max pooling, an addition or
/// a normalization.
struct LayerStep {
  int tensor = 0;  ///< index in Model::weights
  int in = 0;
  Destination to;
  const Tile* tile = nullptr;
  bool low_bytes = false;  ///< input bytes are below 128
  int blocks = 0;          ///< of tile->channels output channels
  int positions_at_once = 0;
  std::vector<std::int32_t> in_offsets;
  Gather gather;
  int zero_point = 0;                                ///< of the input
  std::vector<float> multiplier, window_multiplier;  ///< padded to whole blocks
  std::vector<std::int8_t> step_masks;               ///< only with a window multiplier
  JoinedAdd add;
  JoinedNorm norm;
  std::optional<Winograd> winograd;  ///< then the tile's channels are those of Kernels::winograd

  int steps() const { return static_cast<int>(gather.step_offsets.size()); }
  /// Floats that a normalization works on: all values of 16 images, and the groups' statistics.
  std::size_t norm_floats() const;
  std::size_t weight_bytes() const;
  /// Where the packed weights hold tap `tap` of output channel `channel`. Not with winograd.
  std::size_t weight_at(std::int64_t channel, std::int64_t tap) const;
  /// With winograd, where they hold entry 0 of the transformed kernel from input channel `in`; the
  /// others follow, 4 * tile->channels bytes apart: a fault in a weight touches neighbours.
  std::size_t winograd_weight_at(std::int64_t channel, std::int64_t in) const;
};

/// Pooling; of windows of one cell, a channel_affine.
struct PoolStep {
  bool average = false;
  int affine_node = -1;  ///< of a channel_affine, which also adds
  int in = 0;
  Destination to;
  std::vector<std::int32_t> in_offsets;
  std::vector<std::int32_t> step_offsets;
  std::vector<float> multiplier;  ///< average: one a channel, padded to whole groups
};

struct AddStep {
  int in[2] = {};
  Destination to;
  std::vector<std::int32_t> in_offsets[2];
  float multiplier[2] = {};
};

/// Pixels become channels. Only where something else than linear layers reads the result; those
/// read the pixels where they lie.
struct FlattenStep {
  int in = 0;
  int out = 0;
};

/// Completes the last group of a buffer of 4n + 2 channels (see TwinArgs).
struct TwinStep {
  int buffer = 0;
};

using Step = std::variant<LayerStep, PoolStep, AddStep, FlattenStep, TwinStep>;

std::vector<int> buffers_read(const Step& step);
int buffer_written(const Step& step);  ///< or `logits`

struct Plan {
  Model model;
  const Kernels* kernels = nullptr;
  std::vector<Buffer> buffers;       ///< 0: the prepared image
  std::vector<std::int64_t> places;  ///< of each buffer in the arena, bytes; buffer 0 has none
  std::int64_t arena_bytes = 0;
  std::vector<Step> steps;
  std::vector<int> buffer_of_node;       ///< -1: no buffer of its own
  std::vector<int> step_of_tensor;       ///< index in steps
  std::vector<int> tensor_of_node;       ///< index in Model::weights; of a group_norm its layer's
  std::vector<std::size_t> steps_until;  ///< number of steps after which a node's result is there
  std::vector<NodeInfo> infos;           ///< of check_graph
  int classes = 0;

  /// The layer that reads the weight tensor.
  const LayerStep& layer_of(int tensor) const {
    return std::get<LayerStep>(steps[step_of_tensor[tensor]]);
  }
};

/// `fuse`: max pooling and additions go into the layer before, whose codes are then never seen.
/// Throws Error when a buffer or the values to be normalised would not fit into 2 GiB.
Plan compile(const Model& model, const Kernels& kernels, bool fuse);

}  // namespace flatenn::int8
