// Module: a Graph with parameters, as training sees it.
//
// It reads the same Graph as the evaluators. Weights are float masters; a forward pass in quantized
// mode computes with the very values the integer network will use (fake_quant.h).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flatenn/graph/graph.h"
#include "flatenn/quant/fake_quant.h"
#include "flatenn/train/precision.h"

namespace flatenn {

enum class ParameterKind {
  weight,           ///< float master of a conv2d or linear node
  bias,             ///< of such a node
  normalization,    ///< gamma or beta of a batch_norm or group_norm node
  activation_step,  ///< learned step of an activation or quantize node
  weight_step,      ///< LSQ's step or SAQ's clip
};

struct Parameter {
  std::string name;  ///< node name + ".weight", ".bias", ".gamma", ".beta", ".step", ".weight_step"
  ParameterKind kind;
  int node;
  torch::Tensor tensor;
};

/// The quantized weights of one node in one pass. `values` is part of the pass: after backward its
/// grad() is the gradient at the dequantized weights.
struct PassWeights {
  int node = -1;
  WeightGrid grid;
  torch::Tensor values;
};

/// Multiplies what a weight node gives, element by element: a transient error. No node: nothing.
struct SumsFactor {
  int node = -1;
  torch::Tensor factor;  ///< (channels, height, width, images)
};

/// How a forward pass is done.
struct PassOptions {
  bool quantized = true;  ///< false: masters, plain ReLU, no quantization anywhere
  bool training = true;   ///< batch norm by the batch; gradients are recorded
  /// Training: share of this batch in the running statistics of batch norm; none: the node's own.
  std::optional<double> momentum = {};
  bool keep_results = false;  ///< Pass::results
  /// Added to the quantized weights, one a weight node in graph order, undefined ones and none at
  /// all for nothing.
  std::span<const torch::Tensor> perturbation = {};
  /// Parameters of earlier nodes are constants of this pass: no gradient, and none computed.
  int first_trained = 0;
  SumsFactor factor = {};
  TrainPrecision precision = TrainPrecision::float32;
};

struct Pass {
  torch::Tensor logits;              ///< (images, classes)
  torch::Tensor activation_sum;      ///< scalar: sum of all post-ReLU values, all images
  std::int64_t zeros = 0;            ///< quantized: zero codes of all activation nodes
  std::int64_t activations = 0;      ///< quantized: codes of all activation nodes
  std::vector<PassWeights> weights;  ///< quantized training passes, graph order
  /// Values of each node, when asked for; with precision bfloat16 of that type behind convolutions.
  std::vector<torch::Tensor> results;
};

/// Parameters of a normalization, one value a channel, and running statistics: undefined for a
/// group_norm, which has none.
struct NormalizationValues {
  torch::Tensor gamma, beta, mean, variance;
};

class Module {
 public:
  /// Masters by He et al. 2015 (normal, deviation sqrt(2 / fan in)), keyed (seed, weight_init,
  /// node); biases 0. Steps are set by the first forward pass in quantized mode. The graph is in
  /// training form. Throws Error for a device that is not there.
  Module(const Graph& graph, std::uint64_t seed, const torch::Device& device);

  const Graph& graph() const { return graph_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::vector<Parameter>& parameters() { return parameters_; }
  /// Running mean and variance of batch norm nodes.
  const std::vector<Parameter>& buffers() const { return buffers_; }
  std::vector<Parameter>& buffers() { return buffers_; }

  /// Pixels (channels, height, width, images) as values scale * (q - zero point).
  Pass forward(const torch::Tensor& pixels, const PassOptions& options);

  void zero_grad();

  /// The parameter of a node, or an undefined tensor.
  torch::Tensor find(int node, ParameterKind kind) const;
  /// The grid of a weight node's masters as they are now.
  WeightGrid grid(int node) const;
  /// That grid's spacing of levels, with its gradient to the learned step.
  torch::Tensor spacing(int node) const;

  /// Of a batch_norm or group_norm node.
  NormalizationValues normalization_values(int node) const;

  /// Whether steps have been set.
  bool initialised() const { return initialised_; }
  void set_initialised(bool initialised) { initialised_ = initialised; }

 private:
  struct State;
  torch::Tensor run_node(int node, State& state);
  torch::Tensor parameter(int node, ParameterKind kind, const State& state) const;
  NormalizationValues normalization_values(int node, const State& state) const;
  torch::Tensor run_weights(int node, State& state);
  torch::Tensor run_activation(int node, int bits, bool relu, State& state);
  torch::Tensor run_batch_norm(int node, const BatchNorm& op, State& state);
  torch::Tensor run_group_norm(int node, const GroupNorm& op, State& state);
  torch::Tensor add(int node, ParameterKind kind, std::string_view suffix, torch::Tensor value);
  void add_normalization(int node);
  void add_weights(int node, const std::vector<int>& shape, bool bias, std::uint64_t seed);

  Graph graph_;
  std::vector<NodeInfo> info_;
  torch::Device device_;
  std::vector<Parameter> parameters_;
  std::vector<Parameter> buffers_;
  bool initialised_ = false;
};

}  // namespace flatenn
