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
      step_gradient_(settings.step_gradient),
      seed_(seed),
      exposure_(exposure_of(stored_, settings.expose)) {}

void BitErrors::store(const Module& module) {
  const torch::NoGradGuard guard;
  for (WeightTensor& weights : stored_.weights) {
    const Tensor masters =
        module.find(weights.node, ParameterKind::weight).detach().cpu().contiguous();
    quantize_weights({masters.data_ptr<float>(), weights.codes.size()}, module.grid(weights.node),
                     weights.format, weights.codes);
  }
}

std::vector<Tensor> BitErrors::draw(const Module& module, std::int64_t step, double rate) {
  store(module);
  MemoryImage memory(stored_);
  draw_fault_map(seed_, static_cast<std::uint64_t>(step), memory.bits(), rate, faults_,
                 kTrainingStream);
  memory.apply(faults_, kind_, exposure_, applied_);

  std::vector<Tensor> changes;  // in spacings, then in weights
  for (const WeightTensor& weights : stored_.weights) {
    const std::vector<std::int64_t> shape(weights.shape.begin(), weights.shape.end());
    changes.push_back(torch::zeros(shape));
  }
  for (const CodeWrite& write : applied_.writes) {
    const auto tensor = static_cast<std::size_t>(write.tensor);
    const auto element = static_cast<std::size_t>(write.element);
    changes[tensor].data_ptr<float>()[element] =
        static_cast<float>(write.code - stored_.weights[tensor].codes[element]);
  }
  const torch::AutoGradMode gradients(step_gradient_);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    changes[i] = changes[i].to(module.parameters().front().tensor.device()) *
                 module.spacing(stored_.weights[i].node);
  }
  return changes;
}

}  // namespace flatenn
