#include "flatenn/train/muon.h"

#include <torch/types.h>

#include <cmath>

namespace flatenn {

using torch::Tensor;

Tensor orthogonalise(const Tensor& direction) {
  constexpr int steps = 5;
  // x <- a x + b (x x^T) x + c (x x^T)^2 x, on each singular value an odd polynomial.
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  constexpr double tiny = 1e-7;  // keeps zeros from dividing by zero
  const Tensor matrix = direction.reshape({direction.size(0), -1});
  const bool tall = matrix.size(0) > matrix.size(1);
  // The Gram matrix of the shorter side is the cheaper one.
  Tensor x = tall ? matrix.t() : matrix;
  x = x / (x.norm() + tiny);
  for (int i = 0; i < steps; ++i) {
    const Tensor gram = x.matmul(x.t());
    x = a * x + (b * gram + c * gram.matmul(gram)).matmul(x);
  }
  if (!tall) return x.reshape(direction.sizes());
  const double scale =
      std::sqrt(static_cast<double>(matrix.size(0)) / static_cast<double>(matrix.size(1)));
  return (scale * x.t()).reshape(direction.sizes());
}

}  // namespace flatenn
