// PlainLoop: a sequential network as anyone would write it with libtorch, images first, its weights
// as real codes: the same arithmetic as FloatNetwork's.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

class PlainLoop {
 public:
  /// Keeps references. `sums`: precision of sums of products; all else is in single precision, as
  /// Model defines it.
  PlainLoop(const Model& model, const Dataset& images, torch::ScalarType sums = torch::kFloat32)
      : model_(model), sums_(sums) {
    const auto& input = std::get<Input>(model.graph.nodes.front().op);
    const auto count = static_cast<std::int64_t>(images.size());
    pixels_ = torch::from_blob(const_cast<std::uint8_t*>(images.images.data()),
                               {count, images.channels, images.height, images.width}, torch::kUInt8)
                  .to(torch::kFloat32)
                  .sub(input.zero_point);
    labels_ =
        torch::from_blob(const_cast<std::uint8_t*>(images.labels.data()), {count}, torch::kUInt8)
            .to(torch::kInt64);
  }

  /// Mean cross entropy over all images.
  double loss(const std::vector<torch::Tensor>& codes, std::int64_t batch) const {
    double sum = 0;
    each_batch(batch, [&](std::int64_t first, std::int64_t end) {
      const torch::Tensor logits = forward(pixels_.slice(0, first, end), codes, nullptr);
      sum +=
          torch::cross_entropy_loss(logits, labels_.slice(0, first, end), {}, torch::Reduction::Sum)
              .item<double>();
    });
    return sum / static_cast<double>(pixels_.size(0));
  }

  /// Cross entropy of each image, and its activation codes (images, codes): bytes.
  struct Answers {
    torch::Tensor losses, activations;
  };
  Answers answers(const std::vector<torch::Tensor>& codes, std::int64_t batch) const {
    std::vector<torch::Tensor> losses, activations;
    each_batch(batch, [&](std::int64_t first, std::int64_t end) {
      std::vector<torch::Tensor> seen;
      const torch::Tensor logits = forward(pixels_.slice(0, first, end), codes, &seen);
      losses.push_back(torch::cross_entropy_loss(
          logits.to(torch::kFloat64), labels_.slice(0, first, end), {}, torch::Reduction::None));
      activations.push_back(torch::cat(seen, 1));
    });
    return {torch::cat(losses), torch::cat(activations)};
  }

 private:
  template <class Body>
  void each_batch(std::int64_t batch, Body body) const {
    const c10::InferenceMode inference;
    for (std::int64_t first = 0; first < pixels_.size(0); first += batch) {
      body(first, std::min(pixels_.size(0), first + batch));
    }
  }

  torch::Tensor channels(const std::vector<float>& values, std::int64_t dimensions) const {
    const torch::Tensor t = torch::tensor(values);
    return dimensions == 4 ? t.view({1, -1, 1, 1}) : t;
  }

  torch::Tensor forward(torch::Tensor x, const std::vector<torch::Tensor>& codes,
                        std::vector<torch::Tensor>* seen) const {
    std::size_t tensor = 0;
    for (std::size_t n = 1; n < model_.graph.nodes.size(); ++n) {
      const Op& op = model_.graph.nodes[n].op;
      const NodeAffine& affine = model_.affine[n];
      if (const auto* conv = std::get_if<Conv2d>(&op)) {
        const torch::Tensor w = codes[tensor++].to(sums_);
        x = torch::conv2d(x.to(sums_), w, {}, conv->stride, conv->padding).to(torch::kFloat32);
        x = x * channels(affine.multiplier, 4) + channels(affine.addend, 4);
      } else if (std::holds_alternative<Linear>(op)) {
        x = torch::linear(x.to(sums_), codes[tensor++].to(sums_)).to(torch::kFloat32);
        x = x * channels(affine.multiplier, 2) + channels(affine.addend, 2);
      } else if (const auto* activation = std::get_if<Activation>(&op)) {
        x = x.clamp(0, (1 << activation->bits) - 1).round();
        if (seen != nullptr) seen->push_back(x.flatten(1).to(torch::kUInt8));
      } else if (const auto* pool = std::get_if<MaxPool>(&op)) {
        x = torch::max_pool2d(x, pool->kernel, pool->stride);
      } else if (std::holds_alternative<Flatten>(op)) {
        x = x.flatten(1);
      }
    }
    return x;
  }

  const Model& model_;
  torch::ScalarType sums_;
  torch::Tensor pixels_, labels_;
};

}  // namespace flatenn
