// FloatNetwork: a deployed network as a function of real weights, for derivatives and landscapes.
//
// At the stored weights it computes Model's arithmetic: in single precision the codes and logits
// are the evaluators' own. Away from them the codes of weights take real values, and everything
// else stays as it is: activations are rounded and clipped. Without gradients, single precision
// rounds as if sums were exact (exact_sums.h). To derivatives rounding has slope one
// and clipping slope zero outside its range, so they are those of the network with its rounding
// errors held where they are.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flatenn/analysis/exact_sums.h"
#include "flatenn/analysis/results.h"
#include "flatenn/base/events.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// What is added to the dequantized weights: a tensor a weight tensor, of its shape. None at all:
/// nothing is added.
using Displacement = std::vector<torch::Tensor>;

/// Sees the result of a conv2d or linear node (channels, rows, columns, images), the v of Model's
/// arithmetic, and says what is to be read in its place.
using SumsHook = std::function<torch::Tensor(int node, const torch::Tensor& sums)>;

enum class Precision {
  single_,  ///< fast: images innermost, own kernels; differentiates once
  double_,  ///< libtorch's operations; differentiates twice
};

/// Immutable: may be used by several threads at once. Every sum over images is taken in batches of
/// one fixed size, so results do not depend on threads.
class FloatNetwork {
 public:
  /// Keeps references. Precondition: check_model accepts the model; images fit its input.
  /// `clips`: activations are clipped to their codes, as deployed; without, codes grow as they
  /// must, as behind a plain ReLU.
  FloatNetwork(const Model& model, const Dataset& images, Precision precision, bool clips = true);

  const Model& model() const { return model_; }
  std::size_t images() const { return images_.size(); }
  /// Dequantized weights, one tensor a weight tensor.
  const std::vector<torch::Tensor>& weights() const { return weights_; }
  double weight_norm() const;
  torch::TensorOptions options() const;

  /// (count, classes) for the images [first, first + count).
  torch::Tensor logits(const Displacement& displacement, std::size_t first, std::size_t count,
                       const SumsHook& hook = {}) const;
  /// Sum of cross entropies of these images, a scalar.
  torch::Tensor loss_sum(const Displacement& displacement, std::size_t first,
                         std::size_t count) const;

  /// Loss and accuracy over the first `count` images (0: all), without gradients. Throws
  /// Interrupted.
  LossPoint evaluate(const Displacement& displacement, const Context& context,
                     std::size_t count = 0) const;
  /// Gradient of the mean loss over the first `count` images (0: all) at the displaced weights.
  /// Throws Interrupted.
  std::vector<torch::Tensor> gradient(const Displacement& displacement, const Context& context,
                                      std::size_t count = 0) const;
  /// Second derivative of the mean loss along `direction`, at the stored weights, times the
  /// direction: H v. Precondition: double precision. Throws Interrupted.
  std::vector<torch::Tensor> hessian_times(const std::vector<torch::Tensor>& direction,
                                           const Context& context, std::size_t count = 0) const;

 private:
  torch::Tensor pixels(std::size_t first, std::size_t count) const;
  torch::Tensor labels(std::size_t first, std::size_t count) const;
  torch::Tensor run(std::size_t node, const std::vector<torch::Tensor>& results,
                    const Displacement& displacement) const;
  torch::Tensor run_weights(std::size_t node, const torch::Tensor& input,
                            const Displacement& displacement) const;

  const Model& model_;
  const Dataset& images_;
  torch::ScalarType type_;
  bool clips_;
  std::vector<int> tensor_of_;    ///< index in Model::weights, -1 for nodes without
  std::vector<int> last_reader_;  ///< after it a node's result is not needed
  std::vector<std::optional<CodeRange>> rounds_to_;  ///< of the quantizer that reads a node
  std::vector<torch::Tensor> weights_, codes_;
  std::vector<torch::Tensor> multiplier_, window_multiplier_, addend_;  ///< one a node
};

/// Sum over tensors of <a, b>.
double dot(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);
double norm(const std::vector<torch::Tensor>& a);
/// factor * a, a tensor each.
std::vector<torch::Tensor> scaled(const std::vector<torch::Tensor>& a, double factor);
/// a += factor * b.
void add_scaled(std::vector<torch::Tensor>& a, double factor, const std::vector<torch::Tensor>& b);

}  // namespace flatenn
