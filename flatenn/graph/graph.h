// Graph: a network as data. The trainer, the evaluators and the exporters are readers of it.
//
// A node produces either *codes* (small integers that a memory or a buffer holds) or *sums* (the
// exact int32 result of a layer, still in need of an affine map and quantization):
//
//   input, activation, quantize, max_pool, flatten   -> codes
//   conv2d, linear, avg_pool, add, batch_norm        -> sums
//   channel_affine                                   -> sums: each code, to be scaled by channel
//   group_norm                                       -> sums no longer whole: float values
//   output                                           reads sums; its values are the logits
//
// Sums are consumed by batch_norm (training form only), group_norm, activation, quantize or output;
// codes by conv2d, linear, pools, flatten, add, channel_affine, and batch_norm behind an
// activation. This is what makes every network exactly computable: see Model for the arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flatenn/quant/quantizer.h"

namespace flatenn {

/// The raw image: unsigned 8-bit pixel q, value scale * (q - zero_point). Padding is zero_point.
struct Input {
  int channels = 1, height = 28, width = 28;
  float scale = 1.0f / 255;
  int zero_point = 0;  ///< 0 to 255
};
struct Conv2d {
  int out_channels = 1, kernel = 3, stride = 1, padding = 0;
  bool bias = true;
  WeightFormat weights = {};
};
struct Linear {
  int out_features = 1;
  bool bias = true;
  WeightFormat weights = {};
};
/// Training form only. Behind a layer it is folded into the layer's affine when a Model is made,
/// behind an activation it becomes a channel_affine.
struct BatchNorm {
  float epsilon = 1e-5f;
  float momentum = 0.1f;
};
/// Codes times a multiplier plus an addend, one of each a channel.
struct ChannelAffine {};
/// Wu and He 2018: each image's channels, in `groups` runs of equal length, are normalised by the
/// run's own mean and variance. These depend on the image, so the node stays in the deployed form.
struct GroupNorm {
  int groups = 1;  ///< divides the channels
  float epsilon = 1e-5f;
};
/// ReLU, then unsigned codes 0 .. 2^bits - 1 with a learned step.
struct Activation {
  int bits = 4;
};
/// Signed codes -2^(bits-1) .. 2^(bits-1) - 1 with a learned step, no ReLU: the branch of a
/// residual addition.
struct Quantize {
  int bits = 8;
};
struct MaxPool {
  int kernel = 2, stride = 2;
};
/// Mean over kernel x kernel; the sums are the exact integer sums of codes.
struct AvgPool {
  int kernel = 2, stride = 2;
};
/// Sum of two tensors of codes with steps of their own.
struct Add {};
struct Flatten {};
struct Output {};

using Op = std::variant<Input, Conv2d, Linear, BatchNorm, ChannelAffine, GroupNorm, Activation,
                        Quantize, MaxPool, AvgPool, Add, Flatten, Output>;

/// The kind's name as used in files and messages: "conv2d", "max_pool", ...
std::string_view kind_name(const Op& op);

struct Node {
  std::string name;
  Op op;
  std::vector<int> inputs;  ///< indices of earlier nodes
};

/// Nodes in topological order: node 0 is the Input, the last one the Output.
struct Graph {
  std::vector<Node> nodes;

  /// Index of the node with that name, -1 when there is none.
  int find(std::string_view name) const;
};

struct Shape {
  int channels = 0, height = 1, width = 1;
  std::int64_t elements() const { return std::int64_t{channels} * height * width; }
  bool operator==(const Shape&) const = default;
};

/// What is known about a node's result before any weight is.
struct NodeInfo {
  Shape shape;
  bool codes = false;              ///< codes or sums
  int min_code = 0, max_code = 0;  ///< for codes, after subtracting the input's zero point
  /// For sums: bound on |integer sum| over all inputs and codes; 0 where they are not whole.
  std::int64_t max_abs_sum = 0;
  std::int64_t weight_count = 0;  ///< conv2d and linear: number of weights
  std::vector<int> weight_shape;  ///< (out, in, k, k) or (out, in)
};

/// Shape and range check. One entry a node. Throws Error naming the node: shapes that do not fit,
/// sums where codes are needed, impossible widths, sums that could leave int32.
std::vector<NodeInfo> check_graph(const Graph& graph);

/// The graph without batch_norm nodes: the deployed form. Who read one reads the layer before it;
/// behind an activation a channel_affine takes its place and name.
Graph fold_batch_norm(const Graph& graph);

/// Indices of the nodes that hold weights (conv2d, linear), in graph order.
std::vector<int> weight_nodes(const Graph& graph);

/// The weight format of a conv2d or linear node. Precondition: it is one.
const WeightFormat& weight_format(const Node& node);

}  // namespace flatenn
