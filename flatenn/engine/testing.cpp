#include "flatenn/engine/testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flatenn/base/random.h"

namespace flatenn {
namespace {

WeightFormat lsq(int bits) {
  return {WeightQuantizer::lsq, {bits, Encoding::twos_complement, false}};
}

/// Small networks over all ops and the corners of their settings.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed) : stream_(seed, Purpose::test, 2) {
    append(Input{pick({1, 2, 3, 5, 6}), between(6, 11), between(6, 11), 1.0f, between(0, 255)}, {});
  }

  Graph make() {
    const int layers = between(1, 3);
    for (int i = 0; i < layers; ++i) add_block();
    if (coin()) {
      append(AvgPool{std::min(shape().height, shape().width), 1});
      append(Activation{between(2, 8)});
    }
    append(Flatten{});
    if (coin()) {
      // Not linear: the pixels have to be moved.
      append(Conv2d{between(1, 9), 1, 1, 0, true, format()});
      append(Quantize{between(2, 8)});
    }
    const int classes = between(1, 20);
    append(Linear{classes, true, format()});
    normalise(classes);
    append(Output{});
    return graph_;
  }

 private:
  int between(int low, int high) {
    return low + static_cast<int>(stream_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool coin() { return between(0, 1) == 1; }
  int pick(const std::vector<int>& values) {
    return values[static_cast<std::size_t>(between(0, static_cast<int>(values.size()) - 1))];
  }
  int last() const { return static_cast<int>(graph_.nodes.size()) - 1; }

  WeightFormat format() {
    const int bits = between(2, 8);
    switch (between(0, 3)) {
      case 0:
        return {WeightQuantizer::saq, {bits, Encoding::offset_binary, false}};
      case 1:
        return {WeightQuantizer::lsq, {bits, Encoding::sign_magnitude, false}};
      default:
        return lsq(bits);
    }
  }

  void append(Op op) { append(std::move(op), {last()}); }
  void append(Op op, std::vector<int> inputs) {
    graph_.nodes.push_back(
        {fmt::format("n{}", graph_.nodes.size()), std::move(op), std::move(inputs)});
  }

  Shape shape() const {
    Graph part = graph_;
    part.nodes.push_back({"probe", Flatten{}, {last()}});
    part.nodes.push_back({"linear", Linear{1, true, lsq(2)}, {last() + 1}});
    part.nodes.push_back({"output", Output{}, {last() + 2}});
    return check_graph(part)[static_cast<std::size_t>(last())].shape;
  }

  void quantizer() {
    if (coin()) {
      append(Activation{between(2, 8)});
      if (between(0, 2) != 0) return;
      append(ChannelAffine{});
    }
    append(Quantize{between(2, 8)});
  }

  /// Sometimes, in any number of groups that divides the channels.
  void normalise(int channels) {
    if (between(0, 2) != 0) return;
    int groups = between(1, channels);
    while (channels % groups != 0) --groups;
    append(GroupNorm{groups, coin() ? 1e-5f : 0.25f});
  }

  void add_block() {
    const Shape in = shape();
    const int kernel = std::min(between(1, 5), std::min(in.height, in.width));
    const int channels = between(1, 14);
    append(Conv2d{channels, kernel, between(1, 2), between(0, kernel - 1), true, format()});
    normalise(channels);
    quantizer();
    if (coin()) add_residual();
    const Shape out = shape();
    const int pool = pick({0, 2, 2, 3});
    if (pool != 0 && out.height >= pool && out.width >= pool) append(MaxPool{pool, between(1, 2)});
  }

  void add_residual() {
    const int entry = last();
    const int channels = shape().channels;
    append(Conv2d{channels, 3, 1, 1, true, format()});
    normalise(channels);
    quantizer();
    append(Add{}, {entry, last()});
    quantizer();
  }

  RandomStream stream_;
  Graph graph_;
};

}  // namespace

Graph random_graph(std::uint64_t seed) { return RandomGraph(seed).make(); }

Model order_sensitive_model() {
  constexpr float far = 1152921504606846976.0f;  // 2^60
  Graph graph;
  graph.nodes = {{"input", Input{1, 1, 1, 1.0f, 0}, {}},
                 {"conv", Conv2d{3, 1, 1, 0}, {0}},
                 {"norm", GroupNorm{1}, {1}},
                 {"codes", Activation{8}, {2}},
                 {"flatten", Flatten{}, {3}},
                 {"fc", Linear{2}, {4}},
                 {"output", Output{}, {5}}};
  Model model = random_model(graph, 1);
  model.weights[0].codes = {0, 0, 1};
  model.affine[1] = {{1, 1, 1}, {}, {far, -far, 0}};
  model.affine[2] = {{1, 1, far}, {}, {0, 0, 0}};
  return model;
}

Dataset random_dataset(const Input& input, std::size_t count, std::uint64_t seed) {
  Dataset data;
  data.name = "random";
  data.channels = input.channels;
  data.height = input.height;
  data.width = input.width;
  data.images.resize(count * data.image_bytes());
  data.labels.resize(count);
  RandomStream stream(seed, Purpose::test, 0, 1);
  for (std::uint8_t& pixel : data.images) pixel = static_cast<std::uint8_t>(stream.below(256));
  for (std::uint8_t& label : data.labels) label = static_cast<std::uint8_t>(stream.below(10));
  for (int c = 0; c < data.classes; ++c) data.class_names.push_back(std::to_string(c));
  return data;
}

}  // namespace flatenn
