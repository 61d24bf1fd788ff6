// The networks that benchmarks of campaigns run, and whole trials of them as the runner does them.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/engine/evaluator.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// 4-bit weights and activations; batch norm folded. CIFAR's pixels have a zero point, MNIST's
/// none.
inline Graph network_graph(const std::string& name, int zero_point = 120) {
  NetworkOptions options;
  options.weights.code.bits = 4;
  options.activation_bits = 4;
  options.input = name == "lenet5" || name == "mlp" ? Input{1, 28, 28, 1.0f / 255, 0}
                                                    : Input{3, 32, 32, 1.0f / 255, zero_point};
  return fold_batch_norm(build_network(name, options));
}

/// Multiply-adds of all layers for one image.
inline double multiply_adds(const Graph& graph) {
  double total = 0;
  for (const NodeInfo& info : check_graph(graph)) {
    total += static_cast<double>(info.weight_count) * info.shape.height * info.shape.width;
  }
  return total;
}

/// Draws flips at one rate, map after map, and applies them to a memory.
class Corruption {
 public:
  explicit Corruption(const Model& model, double rate, const std::vector<std::string>& exposed = {})
      : memory_(model), exposure_(memory_.expose(exposed)), rate_(rate) {}

  /// What the next map changes; valid until the next call.
  const std::vector<CodeWrite>& apply() {
    draw_fault_map(1, map_++, memory_.bits(), rate_, faults_);
    memory_.apply(faults_, FaultKind::flip, exposure_, applied_);
    return applied_.writes;
  }
  const std::vector<CodeWrite>& undo() {
    memory_.undo(applied_);
    return applied_.writes;
  }

 private:
  MemoryImage memory_;
  Exposure exposure_;
  double rate_;
  std::vector<Fault> faults_;
  AppliedFaults applied_;
  std::uint64_t map_ = 0;
};

/// Trials of one campaign: draw a map, corrupt, classify, count, restore.
class Trials {
 public:
  Trials(std::unique_ptr<Evaluator> evaluator, const Model& model, const Dataset& data,
         double rate = 0.01, const std::vector<std::string>& exposed = {})
      : data_(data), evaluator_(std::move(evaluator)), corruption_(model, rate, exposed) {}

  Evaluator& evaluator() { return *evaluator_; }

  /// Number of images.
  double run() {
    evaluator_->write(corruption_.apply());
    benchmark::DoNotOptimize(count_correct(*evaluator_, data_, 0, data_.size()));
    evaluator_->write(corruption_.undo());
    return static_cast<double>(data_.size());
  }

 private:
  const Dataset& data_;
  std::unique_ptr<Evaluator> evaluator_;
  Corruption corruption_;
};

}  // namespace flatenn
