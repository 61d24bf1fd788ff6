// Curvature: the Hessian's largest eigenvalues, trace and diagonal, by products with vectors alone.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "flatenn/analysis/float_network.h"
#include "flatenn/analysis/settings.h"

namespace flatenn {

struct CurvatureOptions {
  std::uint64_t seed = 0;
  CurvatureMethod method = CurvatureMethod::automatic;
  std::size_t images = 0;  ///< the first so many; 0: all
  int eigenvalues = 3;
  int iterations = 200;     ///< at most, an eigenvalue
  double tolerance = 1e-4;  ///< stop when an eigenvalue's relative change is below
  int samples = 32;         ///< Rademacher vectors for trace and diagonal
};

struct CurvatureResult {
  Curvature curvature;
  std::vector<torch::Tensor> diagonal;  ///< of the Hessian: Hutchinson's estimate, one a tensor
  double trace_seconds = 0;             ///< processor time of the samples: the diagonal's
};

/// Products H v.
using HessianProduct = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

/// Power iteration from a normal vector, each eigenvector found deflated from the next (as
/// PyHessian does, Yao et al. 2020): eigenvalues by magnitude, their sign kept.
void find_eigenvalues(const HessianProduct& product, const std::vector<torch::Tensor>& like,
                      const CurvatureOptions& options, const Context& context,
                      Curvature& curvature);

/// Hutchinson (1990): mean of v . H v over Rademacher v is the trace, mean of v * (H v) the
/// diagonal.
std::vector<torch::Tensor> estimate_trace(const HessianProduct& product,
                                          const std::vector<torch::Tensor>& like,
                                          const CurvatureOptions& options, const Context& context,
                                          Curvature& curvature);

/// All of it at the stored weights. Throws Interrupted.
CurvatureResult measure_curvature(const Model& model, const Dataset& images,
                                  const CurvatureOptions& options, const Context& context);

}  // namespace flatenn
