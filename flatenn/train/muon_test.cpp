#include "flatenn/train/muon.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace flatenn {
namespace {

using torch::Tensor;

Tensor random_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn({rows, columns});
}

TEST(Orthogonalise, KeepsSingularVectorsAndEvensOutSingularValues) {
  for (const auto& [rows, columns] : {std::pair{8, 40}, {24, 24}, {16, 144}}) {
    const Tensor g = random_matrix(rows, columns, 1) * 1e-3;
    const auto [u, s, vh] = at::linalg_svd(g, false);
    const Tensor inside = u.t().matmul(orthogonalise(g)).matmul(vh.t());
    const Tensor values = inside.diagonal();
    // What lies off the diagonal would turn singular vectors.
    EXPECT_LT((inside - values.diag()).abs().max().item<float>(), 1e-3) << rows;
    const Tensor seen = values.masked_select(s > 0.01 * s.norm());
    EXPECT_GT(seen.min().item<float>(), 0.6) << rows;
    EXPECT_LT(values.max().item<float>(), 1.25) << rows;
  }
}

TEST(Orthogonalise, TallMatricesAreTransposedAndScaled) {
  const Tensor g = random_matrix(32, 8, 2);
  EXPECT_TRUE(torch::allclose(orthogonalise(g), 2 * orthogonalise(g.t()).t(), 1e-5, 1e-6));
}

TEST(Orthogonalise, TakesKernelsAsRowsAndIgnoresTheScale) {
  const Tensor g = random_matrix(6, 36, 3);
  const Tensor kernels = orthogonalise(g.view({6, 4, 3, 3}));
  EXPECT_EQ(kernels.sizes(), (std::vector<std::int64_t>{6, 4, 3, 3}));
  EXPECT_TRUE(torch::equal(kernels.view({6, 36}), orthogonalise(g)));
  EXPECT_TRUE(torch::allclose(orthogonalise(1e3 * g), orthogonalise(g), 1e-4, 1e-4));
}

TEST(Orthogonalise, ZerosStayZeros) {
  EXPECT_TRUE(torch::equal(orthogonalise(torch::zeros({3, 5})), torch::zeros({3, 5})));
}

}  // namespace
}  // namespace flatenn
