#include "flatenn/train/module.h"

#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/train/ops.h"

namespace flatenn {

using torch::Tensor;

/// What one forward pass carries along.
struct Module::State {
  const PassOptions& options;
  Pass pass;
  std::vector<Tensor> results;  ///< one a node
  std::int64_t images = 0;
  std::size_t weight_nodes = 0;  ///< met so far

  Tensor input(const Node& node, std::size_t i = 0) const {
    return results[static_cast<std::size_t>(node.inputs[i])];
  }
};

Module::Module(const Graph& graph, std::uint64_t seed, const torch::Device& device)
    : graph_(graph), info_(check_graph(graph)), device_(device) {
  if (device.is_cuda() && !torch::cuda::is_available()) {
    fail("device \"{}\" is not there; set device = \"cpu\"", device.str());
  }
  for (int i = 0; i < static_cast<int>(graph_.nodes.size()); ++i) {
    const auto& info = info_[static_cast<std::size_t>(i)];
    const Op& op = graph_.nodes[static_cast<std::size_t>(i)].op;
    if (const auto* conv = std::get_if<Conv2d>(&op)) {
      add_weights(i, info.weight_shape, conv->bias, seed);
    } else if (const auto* dense = std::get_if<Linear>(&op)) {
      add_weights(i, info.weight_shape, dense->bias, seed);
    } else if (std::holds_alternative<BatchNorm>(op) || std::holds_alternative<GroupNorm>(op)) {
      add_normalization(i);
    } else if (std::holds_alternative<Activation>(op) || std::holds_alternative<Quantize>(op)) {
      add(i, ParameterKind::activation_step, "step", torch::ones({}));
    }
  }
}

Tensor Module::add(int node, ParameterKind kind, std::string_view suffix, Tensor value) {
  Tensor tensor = value.to(device_, torch::kFloat32).detach().clone().requires_grad_();
  parameters_.push_back(
      {fmt::format("{}.{}", graph_.nodes[static_cast<std::size_t>(node)].name, suffix), kind, node,
       tensor});
  return tensor;
}

void Module::add_normalization(int node) {
  const auto i = static_cast<std::size_t>(node);
  const int channels = info_[i].shape.channels;
  add(node, ParameterKind::normalization, "gamma", torch::ones({channels}));
  add(node, ParameterKind::normalization, "beta", torch::zeros({channels}));
  if (std::holds_alternative<GroupNorm>(graph_.nodes[i].op)) return;
  const std::string& name = graph_.nodes[i].name;
  buffers_.push_back(
      {name + ".mean", ParameterKind::normalization, node, torch::zeros({channels}).to(device_)});
  buffers_.push_back({name + ".variance", ParameterKind::normalization, node,
                      torch::ones({channels}).to(device_)});
}

void Module::add_weights(int node, const std::vector<int>& shape, bool bias, std::uint64_t seed) {
  const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  Tensor masters = torch::empty(sizes);
  const double deviation = std::sqrt(2.0 * shape[0] / static_cast<double>(masters.numel()));
  RandomStream stream(seed, Purpose::weight_init, static_cast<std::uint64_t>(node));
  float* const values = masters.data_ptr<float>();
  for (std::int64_t i = 0; i < masters.numel(); ++i) {
    values[i] = static_cast<float>(deviation * stream.normal());
  }
  add(node, ParameterKind::weight, "weight", masters);
  const WeightFormat& format = weight_format(graph_.nodes[static_cast<std::size_t>(node)]);
  if (has_step(format.quantizer)) {
    add(node, ParameterKind::weight_step, "weight_step",
        torch::scalar_tensor(initial_weight_step(masters, format)));
  }
  if (bias) add(node, ParameterKind::bias, "bias", torch::zeros({shape[0]}));
}

Tensor Module::find(int node, ParameterKind kind) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.node == node && parameter.kind == kind) return parameter.tensor;
  }
  return {};
}

WeightGrid Module::grid(int node) const {
  return weight_grid(find(node, ParameterKind::weight), find(node, ParameterKind::weight_step),
                     weight_format(graph_.nodes[static_cast<std::size_t>(node)]));
}

Tensor Module::spacing(int node) const {
  Tensor step = find(node, ParameterKind::weight_step);
  if (!step.defined()) step = torch::ones({});
  return weight_spacing(find(node, ParameterKind::weight), step,
                        weight_format(graph_.nodes[static_cast<std::size_t>(node)]), grid(node));
}

void Module::zero_grad() {
  for (Parameter& parameter : parameters_) parameter.tensor.mutable_grad() = Tensor();
}

/// As this pass sees it.
Tensor Module::parameter(int node, ParameterKind kind, const State& state) const {
  const Tensor tensor = find(node, kind);
  return tensor.defined() && node < state.options.first_trained ? tensor.detach() : tensor;
}

Tensor Module::run_weights(int node, State& state) {
  const Node& n = graph_.nodes[static_cast<std::size_t>(node)];
  const Tensor masters = parameter(node, ParameterKind::weight, state);
  Tensor values = masters;
  if (state.options.quantized) {
    Tensor step = parameter(node, ParameterKind::weight_step, state);
    if (!initialised_ && step.defined()) {
      const torch::NoGradGuard guard;
      step.fill_(initial_weight_step(masters, weight_format(n)));
    }
    const WeightGrid grid = this->grid(node);
    if (!step.defined()) step = torch::ones({}, masters.options().requires_grad(false));
    values = fake_quantize_weights(masters, step, weight_format(n), grid);
    if (state.options.training) {
      if (values.requires_grad()) values.retain_grad();
      state.pass.weights.push_back({node, grid, values});
    }
  }
  if (!state.options.perturbation.empty() &&
      state.options.perturbation[state.weight_nodes].defined()) {
    values = values + state.options.perturbation[state.weight_nodes];
  }
  ++state.weight_nodes;
  const Tensor bias = parameter(node, ParameterKind::bias, state);
  const auto* conv = std::get_if<Conv2d>(&n.op);
  if (conv != nullptr && state.options.precision == TrainPrecision::bfloat16) {
    values = values.to(torch::kBFloat16);
  }
  const Tensor sums = conv != nullptr
                          ? ops::conv2d(state.input(n), values, bias, conv->stride, conv->padding)
                          : ops::linear(state.input(n), values, bias);
  if (node != state.options.factor.node) return sums;
  return sums * state.options.factor.factor.to(sums.scalar_type());
}

Tensor Module::run_activation(int node, int bits, bool relu, State& state) {
  const Tensor x = state.input(graph_.nodes[static_cast<std::size_t>(node)]);
  if (!state.options.quantized && !relu) return x;
  if (!state.options.quantized) {
    const Tensor y = torch::relu(x);
    const Tensor& sum = state.pass.activation_sum;
    state.pass.activation_sum = sum + y.sum(sum.scalar_type());
    return y;
  }
  Tensor step = parameter(node, ParameterKind::activation_step, state);
  if (!initialised_) {
    const torch::NoGradGuard guard;
    const int max_code = relu ? (1 << bits) - 1 : (1 << (bits - 1)) - 1;
    step.fill_(initial_activation_step(relu ? torch::relu(x) : x, max_code));
  }
  if (!relu) return fake_quantize_signed(x, step, bits, state.images);
  const FakeActivation result = fake_quantize_activation(x, step, bits, state.images);
  state.pass.zeros += result.zeros;
  state.pass.activations += x.numel();
  state.pass.activation_sum = state.pass.activation_sum + result.sum;
  return result.values;
}

NormalizationValues Module::normalization_values(int node) const {
  NormalizationValues values;
  for (const Parameter& p : parameters_) {
    if (p.node == node) (values.gamma.defined() ? values.beta : values.gamma) = p.tensor;
  }
  for (const Parameter& b : buffers_) {
    if (b.node == node) (values.mean.defined() ? values.variance : values.mean) = b.tensor;
  }
  return values;
}

/// As this pass sees them.
NormalizationValues Module::normalization_values(int node, const State& state) const {
  NormalizationValues v = normalization_values(node);
  if (node < state.options.first_trained) {
    v.gamma = v.gamma.detach();
    v.beta = v.beta.detach();
  }
  return v;
}

Tensor Module::run_batch_norm(int node, const BatchNorm& op, State& state) {
  const NormalizationValues v = normalization_values(node, state);
  const double momentum = state.options.momentum.value_or(op.momentum);
  return ops::batch_norm(state.input(graph_.nodes[static_cast<std::size_t>(node)]), v.gamma, v.beta,
                         v.mean, v.variance, state.options.training, momentum, op.epsilon);
}

Tensor Module::run_group_norm(int node, const GroupNorm& op, State& state) {
  const NormalizationValues v = normalization_values(node, state);
  return ops::group_norm(state.input(graph_.nodes[static_cast<std::size_t>(node)]), v.gamma, v.beta,
                         op.groups, op.epsilon);
}

Tensor Module::run_node(int node, State& state) {
  const Node& n = graph_.nodes[static_cast<std::size_t>(node)];
  if (std::holds_alternative<Conv2d>(n.op) || std::holds_alternative<Linear>(n.op)) {
    return run_weights(node, state);
  }
  if (const auto* op = std::get_if<BatchNorm>(&n.op)) return run_batch_norm(node, *op, state);
  if (const auto* op = std::get_if<GroupNorm>(&n.op)) return run_group_norm(node, *op, state);
  if (const auto* op = std::get_if<Activation>(&n.op)) {
    return run_activation(node, op->bits, true, state);
  }
  if (const auto* op = std::get_if<Quantize>(&n.op)) {
    return run_activation(node, op->bits, false, state);
  }
  if (const auto* op = std::get_if<MaxPool>(&n.op)) {
    return ops::max_pool(state.input(n), op->kernel, op->stride);
  }
  if (const auto* op = std::get_if<AvgPool>(&n.op)) {
    return ops::avg_pool(state.input(n), op->kernel, op->stride);
  }
  if (std::holds_alternative<Add>(n.op)) return state.input(n, 0) + state.input(n, 1);
  if (std::holds_alternative<Flatten>(n.op)) return ops::flatten(state.input(n));
  FLATENN_ASSERT(std::holds_alternative<Output>(n.op));
  return state.input(n);
}

Pass Module::forward(const Tensor& pixels, const PassOptions& options) {
  const torch::AutoGradMode gradients(options.training);
  State state{options, {}, {}, 0, 0};
  state.images = pixels.size(3);
  state.pass.activation_sum = torch::zeros({}, pixels.options());
  state.results.push_back(pixels);
  for (int i = 1; i < static_cast<int>(graph_.nodes.size()); ++i) {
    state.results.push_back(run_node(i, state));
  }
  if (options.quantized) initialised_ = true;
  const Tensor sums = state.results.back().to(pixels.scalar_type());
  state.pass.logits = sums.reshape({-1, state.images}).t();
  if (options.keep_results) state.pass.results = std::move(state.results);
  return std::move(state.pass);
}

}  // namespace flatenn
