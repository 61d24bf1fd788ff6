#include "flatenn/graph/builders.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Appends nodes; each call reads `last`, the node appended before it, unless told otherwise.
class GraphBuilder {
 public:
  explicit GraphBuilder(const NetworkOptions& options) : GraphBuilder(options, options.norm) {}
  GraphBuilder(const NetworkOptions& options, Normalization norm) : options_(options), norm_(norm) {
    append("input", options.input, {});
  }

  int last() const { return static_cast<int>(graph_.nodes.size()) - 1; }

  void append(std::string name, Op op) { append(std::move(name), std::move(op), {last()}); }
  void append(std::string name, Op op, std::vector<int> inputs) {
    graph_.nodes.push_back({std::move(name), std::move(op), std::move(inputs)});
  }

  /// conv2d [normalization], reading node `from`. `single`: its result has one position.
  void conv(const std::string& name, int from, Conv2d op, bool single) {
    bare_conv(name, from, op, norm_ != Normalization::batch);
    normalization(name, group_count(op.out_channels, single));
  }

  /// conv2d [normalization] activation in their order, reading node `from`.
  void active_conv(const std::string& name, int from, const Conv2d& op, bool single) {
    bare_conv(name, from, op, has_bias());
    active(name, group_count(op.out_channels, single));
  }

  /// linear [normalization] activation. Groups of a few single values would keep little of them:
  /// all features are one group (layer normalization, Ba et al. 2016).
  void hidden_linear(const std::string& name, int features) {
    append(name, Linear{features, has_bias(), weights_for(options_.first_weight_bits, first_)});
    first_ = false;
    active(name, 1);
  }

  void activation(const std::string& name) { append(name, Activation{options_.activation_bits}); }

  /// The classifier: linear, output. Checks and returns the graph.
  Graph finish(const std::string& name) {
    append(name, Linear{options_.classes, true, weights_for(options_.last_weight_bits, true)});
    append("output", Output{});
    check_graph(graph_);
    return std::move(graph_);
  }

 private:
  /// Batch norm right behind a layer takes the bias's place.
  bool has_bias() const {
    return norm_ != Normalization::batch || options_.order == LayerOrder::activation_first;
  }

  void bare_conv(const std::string& name, int from, Conv2d op, bool bias) {
    op.bias = bias;
    op.weights = weights_for(options_.first_weight_bits, first_);
    first_ = false;
    append(name, op, {from});
  }

  /// [normalization] activation behind layer `name`, in their order.
  void active(const std::string& name, int groups) {
    if (options_.order == LayerOrder::norm_first) normalization(name, groups);
    activation(name + "_act");
    if (options_.order == LayerOrder::norm_first) return;
    normalization(name, groups);
    append(name + "_codes", Quantize{options_.branch_bits});
  }

  void normalization(const std::string& name, int groups) {
    if (norm_ == Normalization::batch) append(name + "_bn", BatchNorm{});
    if (norm_ == Normalization::group) append(name + "_gn", GroupNorm{groups});
  }

  WeightFormat weights_for(int special_bits, bool special) const {
    WeightFormat format = options_.weights;
    if (special && special_bits != 0) format.code.bits = special_bits;
    return format;
  }

  const NetworkOptions& options_;
  Normalization norm_;
  Graph graph_;
  bool first_ = true;
};

void check_square(const Input& input, std::string_view what) {
  if (input.height == input.width) return;
  fail("{} square images, got {}x{}", what, input.height, input.width);
}

/// conv-norm-act-conv-norm-quantize, added to the shortcut, act. `single`: one position is left.
void residual_block(GraphBuilder& builder, const NetworkOptions& options, const std::string& name,
                    int channels, int stride, bool shape_changes, bool single) {
  const int entry = builder.last();
  builder.active_conv(name + "_conv1", entry,
                      {.out_channels = channels, .stride = stride, .padding = 1}, single);
  builder.conv(name + "_conv2", builder.last(), {.out_channels = channels, .padding = 1}, single);
  builder.append(name + "_branch", Quantize{options.branch_bits});
  const int branch = builder.last();
  int shortcut = entry;
  if (shape_changes) {
    builder.conv(name + "_down", entry, {.out_channels = channels, .kernel = 1, .stride = stride},
                 single);
    builder.append(name + "_shortcut", Quantize{options.branch_bits});
    shortcut = builder.last();
  }
  builder.append(name + "_add", Add{}, {branch, shortcut});
  builder.activation(name + "_act");
}

/// The CIFAR form of a residual network: 3x3 stem at full resolution, stages that halve it.
Graph residual_network(const NetworkOptions& options, const std::vector<int>& stages, int blocks) {
  check_square(options.input, "residual networks need");
  // Without any normalization they hardly train.
  const bool group = options.norm == Normalization::group;
  GraphBuilder builder(options, group ? Normalization::group : Normalization::batch);
  int channels = stages.front();
  int size = options.input.height;
  builder.active_conv("conv1", 0, {.out_channels = channels, .padding = 1}, size == 1);
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    for (int block = 0; block < blocks; ++block) {
      const int stride = stage > 0 && block == 0 ? 2 : 1;
      const bool shape_changes = stride != 1 || channels != stages[stage];
      channels = stages[stage];
      size = (size - 1) / stride + 1;
      residual_block(builder, options, fmt::format("stage{}_block{}", stage + 1, block + 1),
                     channels, stride, shape_changes, size == 1);
    }
  }
  builder.append("pool", AvgPool{size, size});
  // The means feed only the classifier: 8 bits cost nothing and keep them fine.
  builder.append("pool_act", Activation{8});
  builder.append("flatten", Flatten{});
  return builder.finish("fc");
}

using Builder = Graph (*)(const NetworkOptions&);
struct NamedBuilder {
  const char* name;
  Builder build;
};
constexpr NamedBuilder builders[] = {{"lenet5", lenet5},
                                     {"mlp", mlp},
                                     {"resnet20", resnet20},
                                     {"resnet18", resnet18},
                                     {"simplenet", simplenet}};

/// simplenet's convolutions; 0 stands for a pooling, negative channels for a 1x1 kernel.
constexpr int simplenet_layers[] = {64,  128, 128, 128, 0, 128,   128,  256, 0,
                                    256, 256, 0,   512, 0, -2048, -256, 0,   256};

int scaled_channels(int channels, double width) {
  return std::max(8, 8 * static_cast<int>(channels * width / 8 + 0.5));
}

}  // namespace

int group_count(int channels, bool single) {
  const int most = channels / (single ? 4 : 2);
  for (const int preferred : {32, 24, 16, 8}) {
    const int groups = std::min(preferred, most);
    if (groups > 0 && channels % groups == 0) return groups;
  }
  int groups = std::max(1, most);
  while (channels % groups != 0) --groups;
  return groups;
}

Graph lenet5(const NetworkOptions& options) {
  GraphBuilder builder(options);
  const int padding = options.input.height >= 32 ? 0 : 2;
  builder.active_conv("conv1", 0, {.out_channels = 6, .kernel = 5, .padding = padding}, false);
  builder.append("pool1", MaxPool{});
  builder.active_conv("conv2", builder.last(), {.out_channels = 16, .kernel = 5}, false);
  builder.append("pool2", MaxPool{});
  builder.append("flatten", Flatten{});
  builder.hidden_linear("fc1", 120);
  builder.hidden_linear("fc2", 84);
  return builder.finish("fc3");
}

Graph mlp(const NetworkOptions& options) {
  GraphBuilder builder(options);
  builder.append("flatten", Flatten{});
  int layer = 0;
  for (const int features : options.hidden) {
    builder.hidden_linear(fmt::format("fc{}", ++layer), features);
  }
  return builder.finish(fmt::format("fc{}", ++layer));
}

Graph resnet20(const NetworkOptions& options) { return residual_network(options, {16, 32, 64}, 3); }

Graph resnet18(const NetworkOptions& options) {
  return residual_network(options, {64, 128, 256, 512}, 2);
}

Graph simplenet(const NetworkOptions& options) {
  check_square(options.input, "simplenet needs");
  if (!(options.width > 0 && options.width <= 1)) {
    fail("simplenet: width is {}, must be above 0 and at most 1", options.width);
  }
  GraphBuilder builder(options);
  int size = options.input.height;
  int convolutions = 0;
  int pools = 0;
  for (const int layer : simplenet_layers) {
    if (layer != 0) {
      const std::string name = fmt::format("conv{}", ++convolutions);
      const int channels = scaled_channels(std::abs(layer), options.width);
      const int kernel = layer > 0 ? 3 : 1;
      builder.active_conv(name, builder.last(),
                          {.out_channels = channels, .kernel = kernel, .padding = kernel / 2},
                          size == 1);
    } else if (size > 1) {
      builder.append(fmt::format("pool{}", ++pools), MaxPool{});
      size /= 2;
    }
  }
  if (size > 1) {
    builder.append("pool", AvgPool{size, size});
    builder.append("pool_act", Activation{8});
  }
  builder.append("flatten", Flatten{});
  return builder.finish("fc");
}

Graph build_network(std::string_view name, const NetworkOptions& options) {
  if (options.order == LayerOrder::activation_first && options.norm != Normalization::batch) {
    fail("order activation_first needs norm batch");
  }
  for (const NamedBuilder& builder : builders) {
    if (name == builder.name) return builder.build(options);
  }
  fail("unknown network '{}'; known: {}", name, fmt::join(network_names(), ", "));
}

const std::vector<std::string>& network_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const NamedBuilder& builder : builders) list.emplace_back(builder.name);
    return list;
  }();
  return names;
}

}  // namespace flatenn
