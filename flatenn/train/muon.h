// Muon: the direction of an update without its preferences (Jordan et al., "Muon: An optimizer for
// hidden layers in neural networks", 2024).
#pragma once

#include <torch/types.h>

namespace flatenn {

/// (rows, ...) taken as a matrix of rows, U S V^T, with singular values near one in the place of S:
/// five steps of Newton and Schulz's iteration with the paper's coefficients bring all that are
/// above a hundredth of their norm to between 0.6 and 1.25. Times sqrt(rows / columns) where there
/// are more rows than columns. Of the same shape; zeros stay zeros.
torch::Tensor orthogonalise(const torch::Tensor& direction);

}  // namespace flatenn
