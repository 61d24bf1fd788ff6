// Images: from a data set's bytes to the module's tensors, and a module's answers on a data set.
#pragma once

#include <cstdint>
#include <span>

#include "flatenn/data/batches.h"
#include "flatenn/data/dataset.h"
#include "flatenn/train/loss_terms.h"
#include "flatenn/train/module.h"

namespace flatenn {

/// Pixels (labels.size() x channels x height x width bytes, images outermost) as a batch of the
/// module: values scale * (q - zero point), images innermost.
Batch make_batch(const Dataset& data, const Input& input, std::span<const std::uint8_t> pixels,
                 std::span<const std::uint8_t> labels, const torch::Device& device);

/// What a module answers on a data set.
struct Answers {
  std::size_t images = 0;
  std::int64_t correct = 0;
  std::int64_t zeros = 0, activations = 0;  ///< quantized only

  double accuracy() const;  ///< percent
  double sparsity() const;  ///< zero codes, percent
};

/// Batch norm by its running statistics; `quantized` false: masters and plain ReLU.
Answers evaluate(Module& module, const Dataset& data, const torch::Device& device, bool quantized,
                 TrainPrecision precision = TrainPrecision::float32);

/// Running statistics of batch norm anew, from the first images of `data`, without augmentation:
/// the mean over batches. Quantized, as the parameters are now. Networks without batch norm stay.
void recalibrate_batch_norm(Module& module, const Dataset& data, const torch::Device& device);

}  // namespace flatenn
