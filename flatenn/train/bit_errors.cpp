#include "flatenn/train/bit_errors.h"

#include <torch/types.h>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Of draw_fault_map: above all that the sources of campaigns use.
constexpr std::uint64_t kTrainingStream = std::uint64_t{1} << 40;

/// A model of weights alone, all codes zero.
Model zero_weights(const Graph& graph) {
  const std::vector<NodeInfo> infos = check_graph(graph);
  Model model;
  for (const int node : weight_nodes(graph)) {
    const auto n = static_cast<std::size_t>(node);
    WeightTensor weights;
    weights.node = node;
    weights.name = graph.nodes[n].name + ".weight";
    weights.shape = infos[n].weight_shape;
    weights.format = weight_format(graph.nodes[n]).code;
    weights.codes.resize(static_cast<std::size_t>(infos[n].weight_count));
    model.weights.push_back(std::move(weights));
  }
  return model;
}

Exposure exposure_of(const Model& model, const std::vector<std::string>& patterns) {
  try {
    return MemoryLayout(model).expose(patterns);
  } catch (const Error& error) {
    fail("plan.errors.expose: {}", error.what());
  }
}

}  // namespace

MemoryLayout weight_layout(const Graph& graph) { return MemoryLayout(zero_weights(graph)); }

BitErrors::BitErrors(const Graph& graph, const BitErrorSettings& settings, std::uint64_t seed)
    : stored_(zero_weights(graph)),
      kind_(settings.kind),
      seed_(seed),
      exposure_(exposure_of(stored_, settings.expose)) {}

std::vector<Tensor> BitErrors::draw(const Module& module, std::int64_t step, double rate) {
  const torch::NoGradGuard guard;
  for (WeightTensor& weights : stored_.weights) {
    const Tensor masters =
        module.find(weights.node, ParameterKind::weight).detach().cpu().contiguous();
    const WeightGrid grid = module.grid(weights.node);
    weights.scale = grid.scale;
    weights.offset = grid.offset;
    quantize_weights({masters.data_ptr<float>(), weights.codes.size()}, grid, weights.format,
                     weights.codes);
  }
  MemoryImage memory(stored_);
  draw_fault_map(seed_, static_cast<std::uint64_t>(step), memory.bits(), rate, faults_,
                 kTrainingStream);
  memory.apply(faults_, kind_, exposure_, applied_);

  std::vector<Tensor> changes;
  for (const WeightTensor& weights : stored_.weights) {
    changes.push_back(
        torch::zeros(std::vector<std::int64_t>(weights.shape.begin(), weights.shape.end())));
  }
  for (const CodeWrite& write : applied_.writes) {
    const auto tensor = static_cast<std::size_t>(write.tensor);
    const WeightTensor& weights = stored_.weights[tensor];
    const int code = weights.codes[static_cast<std::size_t>(write.element)];
    changes[tensor].data_ptr<float>()[write.element] =
        dequantize(write.code, weights.scale, weights.offset) -
        dequantize(code, weights.scale, weights.offset);
  }
  const torch::Device device = module.parameters().front().tensor.device();
  for (Tensor& change : changes) change = change.to(device);
  return changes;
}

}  // namespace flatenn
