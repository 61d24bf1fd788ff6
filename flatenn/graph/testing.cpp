#include "flatenn/graph/testing.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

/// Rough first moments of a node's codes, to aim the affines.
struct Moments {
  double mean = 0;
  double square = 0;  ///< mean of the square
};

/// Where the values of a sums node should lie: the codes of its reader.
struct Target {
  double center = 0;
  double spread = 1;
};

class ModelMaker {
 public:
  ModelMaker(const Graph& graph, std::uint64_t seed) : seed_(seed) {
    model_.graph = fold_batch_norm(graph);
    infos_ = check_graph(model_.graph);
    model_.affine.resize(model_.graph.nodes.size());
    model_.steps.assign(model_.graph.nodes.size(), 1.0f);
    model_.info.name = "random";
    moments_.resize(model_.graph.nodes.size());
  }

  Model make() {
    for (std::size_t n = 0; n < model_.graph.nodes.size(); ++n) make_node(static_cast<int>(n));
    return std::move(model_);
  }

 private:
  void make_node(int n) {
    const Node& node = model_.graph.nodes[n];
    RandomStream stream(seed_, Purpose::test, static_cast<std::uint64_t>(n));
    const NodeInfo& info = infos_[n];
    if (info.codes) model_.steps[n] = static_cast<float>(0.01 + stream.uniform());
    if (std::holds_alternative<Input>(node.op)) {
      model_.steps[n] = std::get<Input>(node.op).scale;
      moments_[n] = uniform_moments(info.min_code, info.max_code);
    } else if (info.weight_count > 0) {
      make_weights(n, stream);
    } else if (std::holds_alternative<ChannelAffine>(node.op)) {
      make_channel_map(n, std::sqrt(moments_[node.inputs[0]].square) + 1, stream);
    } else if (std::holds_alternative<GroupNorm>(node.op)) {
      make_channel_map(n, 1, stream);  // normalised values have mean 0 and variance 1
    } else if (std::holds_alternative<AvgPool>(node.op)) {
      make_average(n, std::get<AvgPool>(node.op), stream);
    } else if (std::holds_alternative<Add>(node.op)) {
      make_add(n, stream);
    } else if (info.codes && !infos_[node.inputs[0]].codes) {
      moments_[n] = uniform_moments(info.min_code, info.max_code);
    } else {
      moments_[n] = moments_[node.inputs[0]];
    }
  }

  static Moments uniform_moments(double low, double high) {
    return {(low + high) / 2, (low * low + low * high + high * high) / 3};
  }

  Target target_of(int n) const {
    for (std::size_t r = n + 1; r < model_.graph.nodes.size(); ++r) {
      const Node& reader = model_.graph.nodes[r];
      if (std::find(reader.inputs.begin(), reader.inputs.end(), n) == reader.inputs.end()) continue;
      if (!infos_[r].codes) return {0, 10};
      const double low = infos_[r].min_code;
      const double high = infos_[r].max_code;
      return {(low + high) / 2, (high - low) * 0.4};
    }
    FLATENN_ASSERT(!"a sums node without a reader");
    return {};
  }

  void make_weights(int n, RandomStream& stream) {
    const Node& node = model_.graph.nodes[n];
    WeightTensor tensor;
    tensor.node = n;
    tensor.name = node.name + ".weight";
    tensor.shape = infos_[n].weight_shape;
    tensor.format = weight_format(node).code;
    tensor.scale = static_cast<float>(0.001 + 0.1 * stream.uniform());
    const bool offset = weight_format(node).quantizer != WeightQuantizer::lsq;
    tensor.offset = offset ? tensor.scale / 2 : 0.0f;
    const int low = tensor.format.min_code();
    const int high = tensor.format.max_code();
    tensor.codes.resize(static_cast<std::size_t>(infos_[n].weight_count));
    for (std::int8_t& code : tensor.codes) {
      code = static_cast<std::int8_t>(low + static_cast<int>(stream.below(high - low + 1)));
    }
    make_channel_affine(n, tensor, offset, stream);
    model_.weights.push_back(std::move(tensor));
  }

  void make_channel_affine(int n, const WeightTensor& tensor, bool offset, RandomStream& stream) {
    const Target target = target_of(n);
    const Moments in = moments_[model_.graph.nodes[n].inputs[0]];
    const auto channels = static_cast<std::size_t>(tensor.shape[0]);
    const std::size_t window = tensor.codes.size() / channels;
    NodeAffine& map = model_.affine[n];
    for (std::size_t f = 0; f < channels; ++f) {
      const std::int8_t* codes = tensor.codes.data() + f * window;
      const double sum = std::accumulate(codes, codes + window, 0.0);
      const double square = std::inner_product(codes, codes + window, codes, 0.0);
      const double variance = in.square - in.mean * in.mean;
      double multiplier = target.spread / std::sqrt(square * variance + 1);
      multiplier *= (0.5 + stream.uniform()) * (stream.below(4) == 0 ? -1 : 1);
      double addend = target.center - multiplier * sum * in.mean;
      map.multiplier.push_back(static_cast<float>(multiplier));
      if (offset) {
        const double w = 0.3 * target.spread / std::sqrt(window * variance + 1);
        map.window_multiplier.push_back(static_cast<float>(w));
        addend -= w * static_cast<double>(window) * in.mean;
      }
      map.addend.push_back(static_cast<float>(addend));
    }
  }

  /// A multiplier and an addend a channel for values of this size.
  void make_channel_map(int n, double size, RandomStream& stream) {
    const Target target = target_of(n);
    NodeAffine& map = model_.affine[n];
    for (int c = 0; c < infos_[n].shape.channels; ++c) {
      const double multiplier = target.spread / size * (0.5 + stream.uniform());
      map.multiplier.push_back(static_cast<float>(stream.below(4) == 0 ? -multiplier : multiplier));
      map.addend.push_back(
          static_cast<float>(target.center + target.spread * (stream.uniform() - 0.5)));
    }
  }

  void make_average(int n, const AvgPool& pool, RandomStream& stream) {
    const Target target = target_of(n);
    const Moments in = moments_[model_.graph.nodes[n].inputs[0]];
    const double sum = pool.kernel * pool.kernel * std::sqrt(in.square);
    const double scale = (std::abs(target.center) + target.spread) * (0.5 + stream.uniform());
    model_.affine[n].multiplier = {static_cast<float>(scale / (sum + 1))};
  }

  void make_add(int n, RandomStream& stream) {
    const Target target = target_of(n);
    for (const int input : model_.graph.nodes[n].inputs) {
      const double scale = (std::abs(target.center) + target.spread) * (0.3 + stream.uniform());
      model_.affine[n].multiplier.push_back(
          static_cast<float>(scale / (std::sqrt(moments_[input].square) + 1)));
    }
  }

  std::uint64_t seed_;
  Model model_;
  std::vector<NodeInfo> infos_;
  std::vector<Moments> moments_;
};

}  // namespace

Model random_model(const Graph& graph, std::uint64_t seed) {
  return ModelMaker(graph, seed).make();
}

}  // namespace flatenn
