// Loss terms: what a training pass minimises.
#pragma once

#include <torch/types.h>

#include "flatenn/train/module.h"

namespace flatenn {

/// A batch as the module takes it.
struct Batch {
  torch::Tensor pixels;  ///< (channels, height, width, images), values
  torch::Tensor labels;  ///< (images), int64
};

struct LossTerms {
  /// L1 on post-ReLU activations: strength * (sum over all activations of a sample), mean over the
  /// batch.
  double sparsity_strength = 0;
};

struct Loss {
  torch::Tensor cross_entropy;  ///< scalar, mean over the batch
  torch::Tensor total;          ///< cross entropy and penalties
};

Loss compute_loss(const Pass& pass, const Batch& batch, const LossTerms& terms);

}  // namespace flatenn
