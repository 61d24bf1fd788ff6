#include "flatenn/analysis/float_network.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/train/ops.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Images a pass without gradients: a block of LeNet-5's activations stays in a processor's second
/// cache.
constexpr std::size_t kForwardBatch = 64;
/// Images a pass with gradients.
constexpr std::size_t kGradientBatch = 250;

/// One value a channel, for tensors (channels, height, width, images).
Tensor channel_tensor(const std::vector<float>& values, torch::ScalarType type) {
  if (values.empty()) return {};
  return torch::tensor(values).to(type).view({-1, 1, 1, 1});
}

constexpr double kUnclipped = std::numeric_limits<float>::max();

/// Of the codes of an activation or quantize node.
std::optional<CodeRange> code_range(const Op& op) {
  if (const auto* activation = std::get_if<Activation>(&op)) {
    return CodeRange{0, static_cast<float>((1 << activation->bits) - 1)};
  }
  if (const auto* quantize = std::get_if<Quantize>(&op)) {
    const auto half = static_cast<float>(1 << (quantize->bits - 1));
    return CodeRange{-half, half - 1};
  }
  return {};
}

/// Clips and rounds half to even; the slope is one within the range and zero outside.
Tensor quantize(Tensor x, double low, double high) {
  if (!torch::GradMode::is_enabled()) return x.clamp_(low, high).round_();
  const Tensor clipped = x.clamp(low, high);
  return clipped + (clipped.detach().round() - clipped.detach());
}

template <class Body>
void for_each_batch(std::size_t count, std::size_t batch, const Context& context, Body body) {
  for (std::size_t first = 0; first < count; first += batch) {
    throw_if_stopped(context);
    body(first, std::min(batch, count - first));
  }
}

/// Leaves to differentiate by: copies of the displacement, zeros for none.
Displacement leaves(const FloatNetwork& network, const Displacement& displacement) {
  Displacement result;
  for (std::size_t t = 0; t < network.weights().size(); ++t) {
    Tensor leaf = displacement.empty() ? torch::zeros_like(network.weights()[t])
                                       : displacement[t].detach().clone();
    result.push_back(leaf.set_requires_grad(true));
  }
  return result;
}

}  // namespace

FloatNetwork::FloatNetwork(const Model& model, const Dataset& images, Precision precision,
                           bool clips)
    : model_(model),
      images_(images),
      type_(precision == Precision::single_ ? torch::kFloat32 : torch::kFloat64),
      clips_(clips) {
  const std::size_t nodes = model.graph.nodes.size();
  tensor_of_.assign(nodes, -1);
  last_reader_.assign(nodes, static_cast<int>(nodes));
  rounds_to_.resize(nodes);
  for (std::size_t t = 0; t < model.weights.size(); ++t) {
    const WeightTensor& stored = model.weights[t];
    tensor_of_[static_cast<std::size_t>(stored.node)] = static_cast<int>(t);
    const std::vector<std::int64_t> shape(stored.shape.begin(), stored.shape.end());
    codes_.push_back(
        torch::from_blob(const_cast<std::int8_t*>(stored.codes.data()), shape, torch::kInt8)
            .to(type_));
    weights_.push_back(codes_.back() * static_cast<double>(stored.scale) +
                       static_cast<double>(stored.offset));
  }
  for (std::size_t n = 0; n < nodes; ++n) {
    for (const int input : model.graph.nodes[n].inputs) {
      last_reader_[static_cast<std::size_t>(input)] = static_cast<int>(n);
    }
    if (const auto range = code_range(model.graph.nodes[n].op)) {
      rounds_to_[static_cast<std::size_t>(model.graph.nodes[n].inputs[0])] = range;
    }
    multiplier_.push_back(channel_tensor(model.affine[n].multiplier, type_));
    window_multiplier_.push_back(channel_tensor(model.affine[n].window_multiplier, type_));
    addend_.push_back(channel_tensor(model.affine[n].addend, type_));
  }
}

torch::TensorOptions FloatNetwork::options() const { return torch::TensorOptions(type_); }

double FloatNetwork::weight_norm() const { return norm(weights_); }

Tensor FloatNetwork::pixels(std::size_t first, std::size_t count) const {
  const auto& input = std::get<Input>(model_.graph.nodes.front().op);
  const Tensor bytes = torch::from_blob(
      const_cast<std::uint8_t*>(images_.images.data()) + first * images_.image_bytes(),
      {static_cast<std::int64_t>(count), images_.channels, images_.height, images_.width},
      torch::kUInt8);
  return bytes.permute({1, 2, 3, 0}).to(type_).contiguous().sub_(input.zero_point);
}

Tensor FloatNetwork::labels(std::size_t first, std::size_t count) const {
  return torch::from_blob(const_cast<std::uint8_t*>(images_.labels.data()) + first,
                          {static_cast<std::int64_t>(count)}, torch::kUInt8)
      .to(torch::kInt64);
}

Tensor FloatNetwork::run_weights(std::size_t node, const Tensor& input,
                                 const Displacement& displacement) const {
  const auto t = static_cast<std::size_t>(tensor_of_[node]);
  Tensor codes = codes_[t];
  if (!displacement.empty()) {
    codes = codes + displacement[t] / static_cast<double>(model_.weights[t].scale);
  }
  const auto* conv = std::get_if<Conv2d>(&model_.graph.nodes[node].op);
  if (conv == nullptr) codes = codes.view({codes.size(0), codes.size(1), 1, 1});
  const int stride = conv != nullptr ? conv->stride : 1;
  const int padding = conv != nullptr ? conv->padding : 0;
  const bool in_place = !torch::GradMode::is_enabled();
  Tensor v = ops::conv2d(input, codes, {}, stride, padding);
  v = in_place ? v.mul_(multiplier_[node]) : v * multiplier_[node];
  if (window_multiplier_[node].defined()) {
    const Tensor ones = torch::ones({1, codes.size(1), codes.size(2), codes.size(3)}, options());
    v = v + ops::conv2d(input, ones, {}, stride, padding) * window_multiplier_[node];
  }
  if (addend_[node].defined()) v = in_place ? v.add_(addend_[node]) : v + addend_[node];
  if (in_place && type_ == torch::kFloat32 && !displacement.empty() && rounds_to_[node]) {
    const ConvShape shape = ops::conv_shape(input, codes, stride, padding);
    settle_ties(shape, input.contiguous().data_ptr<float>(), model_.weights[t],
                displacement[t].contiguous().data_ptr<float>(), model_.affine[node],
                *rounds_to_[node], v.data_ptr<float>());
  }
  return v;
}

Tensor FloatNetwork::run(std::size_t node, const std::vector<Tensor>& results,
                         const Displacement& displacement) const {
  const Node& n = model_.graph.nodes[node];
  const auto input = [&](std::size_t i) -> const Tensor& {
    return results[static_cast<std::size_t>(n.inputs[i])];
  };
  if (tensor_of_[node] >= 0) return run_weights(node, input(0), displacement);
  if (std::holds_alternative<ChannelAffine>(n.op)) {
    return input(0) * multiplier_[node] + addend_[node];
  }
  if (const auto* op = std::get_if<GroupNorm>(&n.op)) {
    return ops::group_norm(input(0), multiplier_[node].view(-1), addend_[node].view(-1), op->groups,
                           op->epsilon);
  }
  if (const auto range = code_range(n.op)) {
    const bool unbounded = !clips_ && std::holds_alternative<Activation>(n.op);
    return quantize(input(0), range->lowest, unbounded ? kUnclipped : range->highest);
  }
  if (const auto* op = std::get_if<MaxPool>(&n.op)) {
    return ops::max_pool(input(0), op->kernel, op->stride);
  }
  if (const auto* op = std::get_if<AvgPool>(&n.op)) {
    // Exact sums of codes, not means: the multiplier divides.
    const Tensor first = input(0).permute({3, 0, 1, 2});
    const Tensor sums = torch::avg_pool2d(first, op->kernel, op->stride, 0, false, true, 1);
    return sums.permute({1, 2, 3, 0}).contiguous() * multiplier_[node];
  }
  if (std::holds_alternative<Add>(n.op)) {
    return input(0) * multiplier_[node][0] + input(1) * multiplier_[node][1];
  }
  if (std::holds_alternative<Flatten>(n.op)) return ops::flatten(input(0));
  FLATENN_ASSERT(std::holds_alternative<Output>(n.op));
  return input(0);
}

Tensor FloatNetwork::logits(const Displacement& displacement, std::size_t first, std::size_t count,
                            const SumsHook& hook) const {
  FLATENN_ASSERT(displacement.empty() || displacement.size() == weights_.size());
  FLATENN_ASSERT(first <= images() && count <= images() - first);
  std::vector<Tensor> results{pixels(first, count)};
  for (std::size_t n = 1; n < model_.graph.nodes.size(); ++n) {
    results.push_back(run(n, results, displacement));
    if (hook && tensor_of_[n] >= 0) results[n] = hook(static_cast<int>(n), results[n]);
    for (const int input : model_.graph.nodes[n].inputs) {
      const auto i = static_cast<std::size_t>(input);
      if (last_reader_[i] == static_cast<int>(n)) results[i] = Tensor();
    }
  }
  return results.back().reshape({-1, static_cast<std::int64_t>(count)}).t();
}

Tensor FloatNetwork::loss_sum(const Displacement& displacement, std::size_t first,
                              std::size_t count) const {
  return torch::cross_entropy_loss(logits(displacement, first, count), labels(first, count), {},
                                   torch::Reduction::Sum);
}

LossPoint FloatNetwork::evaluate(const Displacement& displacement, const Context& context,
                                 std::size_t count) const {
  const torch::NoGradGuard guard;
  if (count == 0) count = images();
  double loss = 0;
  std::int64_t correct = 0;
  for_each_batch(count, kForwardBatch, context, [&](std::size_t first, std::size_t batch) {
    const Tensor answers = logits(displacement, first, batch);
    const Tensor truth = labels(first, batch);
    loss += torch::cross_entropy_loss(answers, truth, {}, torch::Reduction::Sum).item<double>();
    correct += (answers.argmax(1) == truth).sum().item<std::int64_t>();
  });
  const auto n = static_cast<double>(count);
  return {loss / n, 100 * static_cast<double>(correct) / n};
}

std::vector<Tensor> FloatNetwork::gradient(const Displacement& displacement, const Context& context,
                                           std::size_t count) const {
  if (count == 0) count = images();
  const Displacement at = leaves(*this, displacement);
  for_each_batch(count, kGradientBatch, context, [&](std::size_t first, std::size_t batch) {
    loss_sum(at, first, batch).backward();
  });
  std::vector<Tensor> gradients;
  for (const Tensor& leaf : at) gradients.push_back(leaf.grad() / static_cast<double>(count));
  return gradients;
}

std::vector<Tensor> FloatNetwork::hessian_times(const std::vector<Tensor>& direction,
                                                const Context& context, std::size_t count) const {
  FLATENN_ASSERT(type_ == torch::kFloat64 && direction.size() == weights_.size());
  if (count == 0) count = images();
  const Displacement at = leaves(*this, {});
  std::vector<Tensor> product;
  for (const Tensor& weights : weights_) product.push_back(torch::zeros_like(weights));
  for_each_batch(count, kGradientBatch, context, [&](std::size_t first, std::size_t batch) {
    const auto gradients = torch::autograd::grad({loss_sum(at, first, batch)}, at, {}, true, true);
    Tensor along = torch::zeros({}, options());
    for (std::size_t t = 0; t < at.size(); ++t) along = along + (gradients[t] * direction[t]).sum();
    const auto second = torch::autograd::grad({along}, at, {}, false, false, true);
    for (std::size_t t = 0; t < at.size(); ++t) {
      if (second[t].defined()) product[t] += second[t];
    }
  });
  for (Tensor& tensor : product) tensor /= static_cast<double>(count);
  return product;
}

double dot(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  FLATENN_ASSERT(a.size() == b.size());
  double sum = 0;
  for (std::size_t t = 0; t < a.size(); ++t) {
    sum += torch::dot(a[t].reshape(-1).to(torch::kFloat64), b[t].reshape(-1).to(torch::kFloat64))
               .item<double>();
  }
  return sum;
}

double norm(const std::vector<Tensor>& a) { return std::sqrt(dot(a, a)); }

std::vector<Tensor> scaled(const std::vector<Tensor>& a, double factor) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : a) result.push_back(tensor * factor);
  return result;
}

void add_scaled(std::vector<Tensor>& a, double factor, const std::vector<Tensor>& b) {
  FLATENN_ASSERT(a.size() == b.size());
  for (std::size_t t = 0; t < a.size(); ++t) a[t].add_(b[t], factor);
}

}  // namespace flatenn
