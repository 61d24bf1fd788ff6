#include "flatenn/train/loss_terms.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace flatenn {
namespace {

/// Two images of three classes; activations sum to 12.
struct Example {
  Pass pass;
  Batch batch;
  Example() {
    pass.logits = torch::tensor({{1.0f, 2.0f, 0.5f}, {0.0f, -1.0f, 3.0f}}).requires_grad_(true);
    pass.activation_sum = torch::tensor(12.0f).requires_grad_(true);
    batch.pixels = torch::zeros({1, 1, 1, 2});
    batch.labels = torch::tensor({1, 0}, torch::kInt64);
  }
};

double cross_entropy(double label, double a, double b) {
  return std::log(std::exp(label) + std::exp(a) + std::exp(b)) - label;
}

TEST(LossTerms, CrossEntropyIsTheMeanOverTheBatch) {
  const Example e;
  const Loss loss = compute_loss(e.pass, e.batch, {});
  const double expected = (cross_entropy(2, 1, 0.5) + cross_entropy(0, -1, 3)) / 2;
  EXPECT_NEAR(loss.cross_entropy.item<double>(), expected, 1e-6);
  EXPECT_EQ(loss.total.item<double>(), loss.cross_entropy.item<double>());
}

TEST(LossTerms, ThePenaltyCountsASamplesActivations) {
  const Example e;
  const Loss loss = compute_loss(e.pass, e.batch, {0.01});
  EXPECT_NEAR(loss.total.item<double>() - loss.cross_entropy.item<double>(), 0.01 * 12 / 2, 1e-6);
  loss.total.backward();
  EXPECT_NEAR(e.pass.activation_sum.grad().item<double>(), 0.01 / 2, 1e-9);
  EXPECT_TRUE(e.pass.logits.grad().defined());
}

}  // namespace
}  // namespace flatenn
