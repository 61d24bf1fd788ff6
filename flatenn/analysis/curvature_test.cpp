#include "flatenn/analysis/curvature.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "flatenn/analysis/testing.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

using torch::Tensor;
using Vector = std::vector<Tensor>;

/// A symmetric matrix with these eigenvalues.
Tensor matrix_with(const std::vector<double>& eigenvalues) {
  const auto n = static_cast<std::int64_t>(eigenvalues.size());
  Tensor draws = torch::empty({n, n}, torch::kFloat64);
  RandomStream stream(3, Purpose::test, 0);
  for (std::int64_t i = 0; i < n * n; ++i) draws.data_ptr<double>()[i] = stream.normal();
  const Tensor q = std::get<0>(torch::linalg_qr(draws));
  return q.matmul(torch::diag(torch::tensor(eigenvalues, torch::kFloat64))).matmul(q.t());
}

HessianProduct product_with(const Tensor& matrix) {
  return [matrix](const Vector& v) { return Vector{matrix.mv(v[0])}; };
}

TEST(Curvature, PowerIterationFindsEigenvaluesByMagnitude) {
  const Tensor matrix = matrix_with({1, -7, 3, 0.5, 10, 2});
  Curvature curvature;
  CurvatureOptions options{.eigenvalues = 3, .iterations = 1000};
  options.tolerance = 1e-10;
  find_eigenvalues(product_with(matrix), {torch::zeros({6}, torch::kFloat64)}, options,
                   default_context(), curvature);
  ASSERT_EQ(curvature.eigenvalues.size(), 3u);
  EXPECT_NEAR(curvature.eigenvalues[0], 10, 1e-4);
  EXPECT_NEAR(curvature.eigenvalues[1], -7, 1e-4);
  EXPECT_NEAR(curvature.eigenvalues[2], 3, 1e-4);
  for (const double residual : curvature.residuals) EXPECT_LT(residual, 1e-2);
}

TEST(Curvature, HutchinsonOfADiagonalIsExact) {
  const Tensor matrix = torch::diag(torch::tensor({1.0, -2.0, 5.0}, torch::kFloat64));
  Curvature curvature;
  const Vector diagonal = estimate_trace(product_with(matrix), {torch::zeros({3}, torch::kFloat64)},
                                         {.samples = 4}, default_context(), curvature);
  EXPECT_DOUBLE_EQ(curvature.trace.mean, 4);
  EXPECT_TRUE(diagonal[0].equal(matrix.diag()));
}

TEST(Curvature, HutchinsonsIntervalHoldsTheTrace) {
  const Tensor matrix = matrix_with({1, -7, 3, 0.5, 10, 2});
  Curvature curvature;
  estimate_trace(product_with(matrix), {torch::zeros({6}, torch::kFloat64)}, {.samples = 200},
                 default_context(), curvature);
  EXPECT_EQ(curvature.trace.n, 200u);
  EXPECT_LT(curvature.trace.lo, 9.5);
  EXPECT_GT(curvature.trace.hi, 9.5);
}

TEST(Curvature, OfANetworkIsTheDenseHessians) {
  const ParityCase c;
  const CurvatureResult result =
      measure_curvature(c.model, c.images, {.eigenvalues = 3, .samples = 400}, default_context());
  EXPECT_EQ(result.curvature.method, "double backward");
  for (std::size_t i = 0; i < 3; ++i) {
    const double expected = c.expected["eigenvalues"][i].get<double>();
    EXPECT_NEAR(result.curvature.eigenvalues[i], expected, 0.01 * std::abs(expected)) << i;
  }
  EXPECT_LT(result.curvature.trace.lo, c.expected["trace"].get<double>());
  EXPECT_GT(result.curvature.trace.hi, c.expected["trace"].get<double>());
}

/// The quadratic form of python3-torch's signs: what one sample of the trace is.
TEST(Curvature, OneSampleIsTheQuadraticForm) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  const Vector signs = c.tensors("signs");
  EXPECT_NEAR(dot(signs, network.hessian_times(signs, default_context())),
              c.expected["quadratic"].get<double>(), 1e-9);
}

/// Differences cross kinks where an activation's rounding turns; away from them they agree.
TEST(Curvature, DifferencesOfGradientsAgreeWhereNothingRounds) {
  ParityCase c;
  // The last layer alone sees no activation after it: freeze the first by moving nothing in it.
  const FloatNetwork exact(c.model, c.images, Precision::double_);
  Vector v = c.tensors("vector");
  v[0].zero_();
  const Vector product = exact.hessian_times(v, default_context());
  const double r = 1e-3 * exact.weight_norm() / norm(v);
  Vector difference = exact.gradient(scaled(v, r), default_context());
  add_scaled(difference, -1, exact.gradient(scaled(v, -r), default_context()));
  EXPECT_LT(relative_difference({scaled(difference, 1 / (2 * r))[1]}, {product[1]}), 1e-3);
}

TEST(Curvature, DifferencesAreSaidToBeSo) {
  const ParityCase c;
  const CurvatureResult result = measure_curvature(
      c.model, c.images, {.method = CurvatureMethod::differences, .eigenvalues = 1, .samples = 2},
      default_context());
  EXPECT_EQ(result.curvature.method, "differences of gradients");
  EXPECT_TRUE(std::isfinite(result.curvature.eigenvalues[0]));
}

}  // namespace
}  // namespace flatenn
