// Bit errors in training: fresh faults at each step in the codes that the weights are stored as.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "flatenn/graph/model.h"
#include "flatenn/memory/exposure.h"
#include "flatenn/memory/fault_map.h"
#include "flatenn/memory/memory_image.h"
#include "flatenn/train/module.h"
#include "flatenn/train/settings.h"

namespace flatenn {

/// The layout of the weights of a graph in training or deployed form: tensors in graph order.
MemoryLayout weight_layout(const Graph& graph);

class BitErrors {
 public:
  /// Throws Error naming plan.errors.expose when its patterns choose no cell of the graph's
  /// weights.
  BitErrors(const Graph& graph, const BitErrorSettings& settings, std::uint64_t seed);

  /// What step `step`'s errors at `rate` add to the dequantized weights, one tensor a weight node
  /// in graph order: weight + this is what the faulty word reads as, to within one rounding. Errors
  /// are a function of (seed, step) nested in the rate, and share no number with the fault maps of
  /// any campaign.
  std::vector<torch::Tensor> draw(const Module& module, std::int64_t step, double rate);

 private:
  void store(const Module& module);

  Model stored_;  ///< the graph's weights alone, codes as of the last draw
  FaultKind kind_;
  bool step_gradient_;
  std::uint64_t seed_;
  Exposure exposure_;
  std::vector<Fault> faults_;
  AppliedFaults applied_;
};

}  // namespace flatenn
