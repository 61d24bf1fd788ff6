// For this layer's tests: the network of tests/parity/generate.py with what python3-torch found.
#pragma once

#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// IntegerNet of generate.py.
struct ParityCase {
  nlohmann::json expected;
  Model model;
  Dataset images;

  ParityCase() {
    std::ifstream file(FLATENN_SOURCE_DIR "/tests/parity/analysis.json");
    expected = nlohmann::json::parse(file);
    const WeightFormat four{WeightQuantizer::saq, {.bits = 4}};
    Graph& graph = model.graph;
    graph.nodes.push_back(
        {"input",
         Input{.channels = 2, .height = 6, .width = 6, .scale = 1, .zero_point = 100},
         {}});
    graph.nodes.push_back(
        {"conv", Conv2d{.out_channels = 3, .kernel = 3, .padding = 1, .weights = four}, {0}});
    graph.nodes.push_back({"act", Activation{}, {1}});
    graph.nodes.push_back({"pool", MaxPool{}, {2}});
    graph.nodes.push_back({"flat", Flatten{}, {3}});
    graph.nodes.push_back({"fc", Linear{.out_features = 4, .weights = {.code = {.bits = 4}}}, {4}});
    graph.nodes.push_back({"output", Output{}, {5}});
    model.affine.resize(7);
    model.steps.assign(7, 1);
    add_weights(0, 1, "conv.weight", {3, 2, 3, 3}, four.code);
    add_weights(1, 5, "fc.weight", {4, 27}, {.bits = 4});
    model.affine[1].window_multiplier = expected["window"].get<std::vector<float>>();
    check_model(model);
    images.name = "parity";
    images.channels = 2;
    images.height = images.width = 6;
    images.classes = 4;
    images.images = expected["pixels"].get<std::vector<std::uint8_t>>();
    images.labels = expected["labels"].get<std::vector<std::uint8_t>>();
  }

  /// Numbers one after another as a tensor a weight tensor.
  std::vector<torch::Tensor> tensors(const std::string& key) const {
    const auto values = expected[key].get<std::vector<double>>();
    const torch::Tensor flat = torch::tensor(values, torch::kFloat64);
    return {flat.slice(0, 0, 54).view({3, 2, 3, 3}).clone(),
            flat.slice(0, 54).view({4, 27}).clone()};
  }

 private:
  void add_weights(std::size_t index, int node, std::string name, std::vector<int> shape,
                   const CodeFormat& format) {
    WeightTensor tensor{node, std::move(name), std::move(shape), format, 1, 0, {}};
    tensor.scale = expected["scale"][index].get<float>();
    tensor.offset = expected["offset"][index].get<float>();
    tensor.codes = expected["codes"][index].get<std::vector<std::int8_t>>();
    model.weights.push_back(std::move(tensor));
    NodeAffine& affine = model.affine[static_cast<std::size_t>(node)];
    affine.multiplier = expected["multiplier"][index].get<std::vector<float>>();
    affine.addend = expected["addend"][index].get<std::vector<float>>();
  }
};

/// Largest difference of two lists of tensors, relative to the largest magnitude of the second.
inline double relative_difference(const std::vector<torch::Tensor>& a,
                                  const std::vector<torch::Tensor>& b) {
  FLATENN_ASSERT(a.size() == b.size());
  double difference = 0, magnitude = 0;
  for (std::size_t t = 0; t < a.size(); ++t) {
    const torch::Tensor x = a[t].to(torch::kFloat64), y = b[t].to(torch::kFloat64);
    difference = std::max(difference, (x - y).abs().max().item<double>());
    magnitude = std::max(magnitude, y.abs().max().item<double>());
  }
  return difference / magnitude;
}

}  // namespace flatenn
