// What analyses cost.
//
//   analysis_bench [MODEL.safetensors] [--json] [--points 51] [--images 2000] [--threads 1]
//
// landscape: a plane of points x points of LeNet-5 (MODEL, else random weights on random images),
// by measure_landscape and by the plain loop over libtorch's forward calls, images first, in
// batches of 64, 250 or 1,000, whichever is fastest, with the same number of threads, in wall-clock
// time. Losses differ where another order of a sum rounds an activation to its neighbour.
//
// bits: first-order sensitivity of every stored bit of ResNet-18 over one gradient pass.
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/guarded.h"
#include "flatenn/analysis/bit_sensitivity.h"
#include "flatenn/analysis/landscape.h"
#include "flatenn/base/error.h"
#include "flatenn/data/dataset.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/train/process.h"

namespace flatenn {
namespace {

using torch::Tensor;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// LeNet-5 as anyone would write it with libtorch: float weights, the same arithmetic.
class PlainLoop {
 public:
  PlainLoop(const Model& model, const Dataset& images) : model_(model) {
    const auto& input = std::get<Input>(model.graph.nodes.front().op);
    pixels_ = torch::from_blob(const_cast<std::uint8_t*>(images.images.data()),
                               {static_cast<std::int64_t>(images.size()), images.channels,
                                images.height, images.width},
                               torch::kUInt8)
                  .to(torch::kFloat32)
                  .sub(input.zero_point);
    labels_ = torch::from_blob(const_cast<std::uint8_t*>(images.labels.data()),
                               {static_cast<std::int64_t>(images.size())}, torch::kUInt8)
                  .to(torch::kInt64);
  }

  double loss(const std::vector<Tensor>& weights, std::int64_t batch) const {
    const c10::InferenceMode inference;
    double sum = 0;
    for (std::int64_t first = 0; first < pixels_.size(0); first += batch) {
      const std::int64_t end = std::min(pixels_.size(0), first + batch);
      const Tensor logits = forward(pixels_.slice(0, first, end), weights);
      sum +=
          torch::cross_entropy_loss(logits, labels_.slice(0, first, end), {}, torch::Reduction::Sum)
              .item<double>();
    }
    return sum / static_cast<double>(pixels_.size(0));
  }

 private:
  static Tensor channels(const std::vector<float>& values, std::int64_t dimensions) {
    const Tensor t = torch::tensor(values);
    return dimensions == 4 ? t.view({1, -1, 1, 1}) : t;
  }

  Tensor forward(Tensor x, const std::vector<Tensor>& weights) const {
    std::size_t tensor = 0;
    for (std::size_t n = 1; n < model_.graph.nodes.size(); ++n) {
      const Op& op = model_.graph.nodes[n].op;
      const NodeAffine& affine = model_.affine[n];
      if (const auto* conv = std::get_if<Conv2d>(&op)) {
        x = torch::conv2d(x, weights[tensor++], {}, conv->stride, conv->padding);
        x = x * channels(affine.multiplier, 4) + channels(affine.addend, 4);
      } else if (std::holds_alternative<Linear>(op)) {
        x = torch::linear(x, weights[tensor++]);
        x = x * channels(affine.multiplier, 2) + channels(affine.addend, 2);
      } else if (const auto* activation = std::get_if<Activation>(&op)) {
        x = x.clamp(0, (1 << activation->bits) - 1).round();
      } else if (const auto* pool = std::get_if<MaxPool>(&op)) {
        x = torch::max_pool2d(x, pool->kernel, pool->stride);
      } else if (std::holds_alternative<Flatten>(op)) {
        x = x.flatten(1);
      }
    }
    return x;
  }

  const Model& model_;
  Tensor pixels_, labels_;
};

struct Result {
  double plain = 0, ours = 0;  ///< seconds of the whole plane
  std::int64_t batch = 0;      ///< the plain loop's best
  double difference = 0;       ///< largest, relative to 1 + the loss
};

Result time_landscape(const Model& model, const Dataset& images, int points, int threads) {
  const FloatNetwork network(model, images, Precision::single_);
  const PlainLoop plain(model, images);
  const auto first = filter_normalised_direction(network.weights(), 0, 0);
  const auto second = filter_normalised_direction(network.weights(), 0, 1);
  const std::vector<double> side = landscape_positions(points, 1);

  prepare_process(threads);
  const Clock::time_point start = Clock::now();
  const Landscape ours = measure_landscape(
      network, {.lines = 0, .plane_points = points, .threads = threads}, default_context());
  Result result;
  result.ours = seconds_since(start);

  prepare_process(threads);
  std::map<std::int64_t, double> seconds;
  for (std::size_t y = 0; y < side.size(); ++y) {
    for (const std::int64_t batch : {64, 250, 1000}) {
      const Clock::time_point row = Clock::now();
      for (std::size_t x = 0; x < side.size(); ++x) {
        // The same weights to the last bit: what then differs is the order of sums.
        Displacement d = scaled(first, side[x]);
        add_scaled(d, side[y], second);
        std::vector<Tensor> codes;
        for (std::size_t t = 0; t < d.size(); ++t) {
          const WeightTensor& stored = model.weights[t];
          codes.push_back(torch::from_blob(const_cast<std::int8_t*>(stored.codes.data()),
                                           d[t].sizes(), torch::kInt8)
                              .to(torch::kFloat32) +
                          d[t] / static_cast<double>(stored.scale));
        }
        const double loss = plain.loss(codes, batch);
        const double expected = ours.plane[y * side.size() + x].loss;
        result.difference =
            std::max(result.difference, std::abs(loss - expected) / (1 + std::abs(expected)));
      }
      seconds[batch] += seconds_since(row);
    }
  }
  const auto best = std::ranges::min_element(seconds, {}, [](const auto& s) { return s.second; });
  result.batch = best->first;
  result.plain = best->second;
  return result;
}

struct BitsResult {
  double gradient = 0, bits = 0;  ///< seconds
};

BitsResult time_bits() {
  const Model model = random_model(fold_batch_norm(resnet18({.input = {3, 32, 32}})), 1);
  const Dataset images = random_dataset(std::get<Input>(model.graph.nodes.front().op), 50, 1);
  const FloatNetwork network(model, images, Precision::single_);
  prepare_process(1);
  network.gradient({}, default_context());  // the first touches fresh memory
  Clock::time_point start = Clock::now();
  const std::vector<Tensor> gradients = network.gradient({}, default_context());
  BitsResult result;
  result.gradient = seconds_since(start);
  start = Clock::now();
  std::vector<WeightDerivatives> derivatives;
  for (const Tensor& gradient : gradients) {
    const Tensor flat = gradient.contiguous().view(-1);
    derivatives.push_back({{flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}, {}});
  }
  FLATENN_ASSERT(!bit_sensitivities(model, derivatives).empty());
  result.bits = seconds_since(start);
  return result;
}

int run(int argc, char** argv) {
  std::string path;
  bool json = false;
  int points = 51, threads = 1;
  std::size_t count = 2000;
  CLI::App app("What analyses cost, against plain libtorch.");
  app.add_option("MODEL", path, "a LeNet-5; its data set's test images are used");
  app.add_flag("--json", json);
  app.add_option("--points", points, "a side of the plane, odd");
  app.add_option("--images", count);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);

  const Model model =
      path.empty() ? random_model(lenet5({.input = {1, 28, 28}}), 1) : load_model(path);
  const Dataset images =
      path.empty() ? random_dataset(std::get<Input>(model.graph.nodes.front().op), count, 1)
                   : load_dataset(model.info.dataset, Split::test).slice(0, count);
  const Result landscape = time_landscape(model, images, points, threads);
  const BitsResult bits = time_bits();
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"threads", threads},
                                      {"points", points},
                                      {"images", count},
                                      {"plain_s", landscape.plain},
                                      {"plain_batch", landscape.batch},
                                      {"ours_s", landscape.ours},
                                      {"ratio", landscape.plain / landscape.ours},
                                      {"loss_difference", landscape.difference},
                                      {"gradient_s", bits.gradient},
                                      {"bits_s", bits.bits}}
                           .dump());
    return 0;
  }
  fmt::print(
      "landscape, {0} x {0} points on {1} images, {2} threads: plain libtorch {3:.1f} s (batches "
      "of "
      "{4}), ours {5:.1f} s: {6:.2f} times; losses differ by at most {7:.1e}\n"
      "bits of ResNet-18: gradient {8:.2f} s, sensitivity of every bit {9:.2f} s more: {10:.2f} "
      "times one gradient pass in all\n",
      points, count, threads, landscape.plain, landscape.batch, landscape.ours,
      landscape.plain / landscape.ours, landscape.difference, bits.gradient, bits.bits,
      (bits.gradient + bits.bits) / bits.gradient);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
