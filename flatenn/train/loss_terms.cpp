#include "flatenn/train/loss_terms.h"

#include <torch/types.h>

namespace flatenn {

Loss compute_loss(const Pass& pass, const Batch& batch, const LossTerms& terms) {
  Loss loss;
  loss.cross_entropy = at::cross_entropy_loss(pass.logits, batch.labels);
  loss.total = loss.cross_entropy;
  if (terms.sparsity_strength > 0) {
    const double per_image = terms.sparsity_strength / static_cast<double>(batch.labels.size(0));
    loss.total = loss.total + per_image * pass.activation_sum;
  }
  return loss;
}

}  // namespace flatenn
