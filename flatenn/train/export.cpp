#include "flatenn/train/export.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using torch::Tensor;

std::span<const float> values(const Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// Reads a module into a model, node by node of the folded graph.
class Exporter {
 public:
  explicit Exporter(const Module& module) : module_(module), trained_(module.graph()) {
    model_.graph = fold_batch_norm(trained_);
    info_ = check_graph(model_.graph);
  }

  Model run() {
    model_.steps.resize(model_.graph.nodes.size(), 1.0f);
    model_.affine.resize(model_.graph.nodes.size());
    for (std::size_t i = 0; i < model_.graph.nodes.size(); ++i) set_step(i);
    for (std::size_t i = 0; i < model_.graph.nodes.size(); ++i) set_node(i);
    check_model(model_);
    return std::move(model_);
  }

 private:
  const Node& node(std::size_t i) const { return model_.graph.nodes[i]; }
  /// The same node in the training graph.
  int trained(std::size_t i) const { return trained_.find(node(i).name); }
  double input_step(std::size_t i, std::size_t input = 0) const {
    return model_.steps[static_cast<std::size_t>(node(i).inputs[input])];
  }

  void set_step(std::size_t i) {
    const Op& op = node(i).op;
    if (const auto* input = std::get_if<Input>(&op)) {
      model_.steps[i] = input->scale;
    } else if (std::holds_alternative<Activation>(op) || std::holds_alternative<Quantize>(op)) {
      const float step =
          module_.find(trained(i), ParameterKind::activation_step).detach().item<float>();
      model_.steps[i] = std::max(std::abs(step), std::numeric_limits<float>::min());
    } else if (std::holds_alternative<MaxPool>(op) || std::holds_alternative<Flatten>(op)) {
      model_.steps[i] = static_cast<float>(input_step(i));
    }
  }

  /// The step of what reads these sums: 1 for the output.
  double reader_step(std::size_t i) const {
    for (std::size_t j = i + 1; j < model_.graph.nodes.size(); ++j) {
      const auto& inputs = node(j).inputs;
      if (std::find(inputs.begin(), inputs.end(), static_cast<int>(i)) != inputs.end()) {
        return model_.steps[j];
      }
    }
    FLATENN_ASSERT(!"sums that nothing reads");
    return 1;
  }

  void set_node(std::size_t i) {
    const Op& op = node(i).op;
    if (std::holds_alternative<Conv2d>(op) || std::holds_alternative<Linear>(op)) {
      set_weights(i);
    } else if (std::holds_alternative<GroupNorm>(op)) {
      set_normalization(i);
    } else if (std::holds_alternative<ChannelAffine>(op)) {
      set_channel_affine(i);
    } else if (const auto* pool = std::get_if<AvgPool>(&op)) {
      const double places = pool->kernel * pool->kernel;
      model_.affine[i].multiplier = {static_cast<float>(input_step(i) / places / reader_step(i))};
    } else if (std::holds_alternative<Add>(op)) {
      model_.affine[i].multiplier = {static_cast<float>(input_step(i, 0) / reader_step(i)),
                                     static_cast<float>(input_step(i, 1) / reader_step(i))};
    }
  }

  void set_normalization(std::size_t i) {
    const NormalizationValues norm = module_.normalization_values(trained(i));
    const auto in_steps = [&](const Tensor& tensor, std::vector<float>& to) {
      const Tensor host = tensor.detach().cpu().contiguous();
      for (const float value : values(host)) {
        to.push_back(static_cast<float>(value / reader_step(i)));
      }
    };
    in_steps(norm.gamma, model_.affine[i].multiplier);
    in_steps(norm.beta, model_.affine[i].addend);
  }

  /// What was batch norm behind an activation.
  void set_channel_affine(std::size_t i) {
    const std::size_t channels = static_cast<std::size_t>(info_[i].shape.channels);
    std::vector<double> gain(channels, 1.0), shift(channels, 0.0);
    apply_batch_norm(trained(i), gain, shift);
    for (std::size_t c = 0; c < channels; ++c) {
      model_.affine[i].multiplier.push_back(
          static_cast<float>(gain[c] * input_step(i) / reader_step(i)));
      model_.affine[i].addend.push_back(static_cast<float>(shift[c] / reader_step(i)));
    }
  }

  void set_weights(std::size_t i) {
    const int source = trained(i);
    const Tensor masters = module_.find(source, ParameterKind::weight).detach().cpu().contiguous();
    const WeightGrid grid = module_.grid(source);
    WeightTensor weights;
    weights.node = static_cast<int>(i);
    weights.name = node(i).name + ".weight";
    weights.shape = info_[i].weight_shape;
    weights.format = weight_format(node(i)).code;
    weights.scale = grid.scale;
    weights.offset = grid.offset;
    weights.codes.resize(static_cast<std::size_t>(masters.numel()));
    quantize_weights(values(masters), grid, weights.format, weights.codes);
    model_.weights.push_back(std::move(weights));
    set_affine(i, grid);
  }

  /// v = gain (input step (scale sum(c q) + offset sum(q)) + bias - mean) + beta, over the reader's
  /// step; gain and mean belong to batch norm.
  void set_affine(std::size_t i, const WeightGrid& grid) {
    const int source = trained(i);
    const std::size_t channels = static_cast<std::size_t>(info_[i].shape.channels);
    std::vector<double> gain(channels, 1.0), shift(channels, 0.0);
    const Tensor bias = module_.find(source, ParameterKind::bias);
    if (bias.defined()) {
      const Tensor b = bias.detach().cpu().contiguous();
      std::copy_n(b.data_ptr<float>(), channels, shift.data());
    }
    fold(source, gain, shift);
    NodeAffine& affine = model_.affine[i];
    const double step = input_step(i);
    const double reader = reader_step(i);
    for (std::size_t c = 0; c < channels; ++c) {
      affine.multiplier.push_back(static_cast<float>(gain[c] * step * grid.scale / reader));
      if (grid.offset != 0) {
        affine.window_multiplier.push_back(
            static_cast<float>(gain[c] * step * grid.offset / reader));
      }
      affine.addend.push_back(static_cast<float>(shift[c] / reader));
    }
  }

  /// Folds the batch norm that reads training node `source`, if there is one.
  void fold(int source, std::vector<double>& gain, std::vector<double>& shift) const {
    for (std::size_t j = 0; j < trained_.nodes.size(); ++j) {
      const bool norm = std::holds_alternative<BatchNorm>(trained_.nodes[j].op);
      if (norm && trained_.nodes[j].inputs[0] == source) {
        apply_batch_norm(static_cast<int>(j), gain, shift);
      }
    }
  }

  /// x -> gain x + shift becomes its normalization by training node `node`; gain is 1 before.
  void apply_batch_norm(int node, std::vector<double>& gain, std::vector<double>& shift) const {
    const auto& op = std::get<BatchNorm>(trained_.nodes[static_cast<std::size_t>(node)].op);
    const NormalizationValues norm = module_.normalization_values(node);
    const auto at = [](const Tensor& t, std::size_t c) {
      return t[static_cast<std::int64_t>(c)].item<double>();
    };
    for (std::size_t c = 0; c < gain.size(); ++c) {
      gain[c] = at(norm.gamma, c) / std::sqrt(at(norm.variance, c) + double{op.epsilon});
      shift[c] = (shift[c] - at(norm.mean, c)) * gain[c] + at(norm.beta, c);
    }
  }

  const Module& module_;
  const Graph& trained_;
  Model model_;
  std::vector<NodeInfo> info_;
};

}  // namespace

Model export_model(const Module& module) {
  const torch::NoGradGuard guard;
  return Exporter(module).run();
}

}  // namespace flatenn
