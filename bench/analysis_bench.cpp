// What analyses cost.
//
//   analysis_bench [MODEL.safetensors] [--json] [--points 51] [--images 2000] [--threads 1]
//                  [--lattice 5]
//
// landscape: a plane of points x points of LeNet-5 (MODEL, else random weights on random images),
// by measure_landscape and by the plain loop over libtorch's forward calls, images first, in
// batches of 64, 250 or 1,000, whichever is fastest, with the same number of threads, in wall-clock
// time. libtorch's losses in single precision depend on the order of its sums, which rounds an
// activation now and then to its neighbour: both are set against the same loop with its sums in
// double precision, on a lattice of --lattice points a side (0: not).
//
// bits: first-order sensitivity of every stored bit of ResNet-18 over one gradient pass.
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/guarded.h"
#include "bench/plain_loop.h"
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

/// The stored codes of the displaced network.
std::vector<Tensor> moved_codes(const Model& model, const Displacement& d, torch::ScalarType type) {
  std::vector<Tensor> codes;
  for (std::size_t t = 0; t < d.size(); ++t) {
    const WeightTensor& stored = model.weights[t];
    codes.push_back(
        torch::from_blob(const_cast<std::int8_t*>(stored.codes.data()), d[t].sizes(), torch::kInt8)
            .to(type) +
        d[t].to(type) / static_cast<double>(stored.scale));
  }
  return codes;
}

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
        Displacement d = scaled(first, side[x]);
        add_scaled(d, side[y], second);
        const double loss = plain.loss(moved_codes(model, d, torch::kFloat32), batch);
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

/// One path against sums in double precision, over some points of the plane.
struct Rounding {
  double difference = 0;            ///< largest of the mean losses, relative to 1 + the loss
  double sum_difference = 0;        ///< mean over the points
  std::int64_t images = 0;          ///< over all points
  std::int64_t flipped_images = 0;  ///< with an activation code that is not double precision's
  std::int64_t flipped_codes = 0;
  double others = 0;  ///< largest difference of the loss of an image without such a code

  void add(const PlainLoop::Answers& single, const PlainLoop::Answers& exact) {
    const double loss = exact.losses.mean().item<double>();
    const double off = std::abs(single.losses.mean().item<double>() - loss) / (1 + std::abs(loss));
    difference = std::max(difference, off);
    sum_difference += off;
    const Tensor flipped = single.activations.ne(exact.activations);
    const Tensor hit = flipped.any(1);
    images += hit.size(0);
    flipped_images += hit.sum().item<std::int64_t>();
    flipped_codes += flipped.sum().item<std::int64_t>();
    const Tensor clean = (single.losses - exact.losses).abs().masked_select(~hit);
    if (clean.numel() > 0) others = std::max(others, clean.max().item<double>());
  }
};

struct ThreeWays {
  int points = 0;
  Rounding ours, plain;
  double between = 0;  ///< largest difference of the two single-precision paths
};

/// Losses and activation codes of FloatNetwork as PlainLoop gives them.
PlainLoop::Answers our_answers(const FloatNetwork& network, const Dataset& images,
                               const Displacement& displacement) {
  const c10::InferenceMode inference;
  std::map<int, int> bits;  // by the node whose sums are rounded
  for (const Node& node : network.model().graph.nodes) {
    const auto* activation = std::get_if<Activation>(&node.op);
    if (activation != nullptr) bits[node.inputs[0]] = activation->bits;
  }
  std::vector<Tensor> losses, activations;
  for (std::size_t first = 0; first < images.size(); first += 64) {  // as evaluate() does
    const std::size_t count = std::min<std::size_t>(64, images.size() - first);
    std::vector<Tensor> seen;
    const Tensor logits =
        network.logits(displacement, first, count, [&](int node, const Tensor& sums) {
          if (bits.contains(node)) {
            const Tensor codes = sums.clamp(0, (1 << bits.at(node)) - 1).round();
            seen.push_back(codes.permute({3, 0, 1, 2}).flatten(1).to(torch::kUInt8));
          }
          return sums;
        });
    std::vector<std::int64_t> labels(
        images.labels.begin() + static_cast<std::ptrdiff_t>(first),
        images.labels.begin() + static_cast<std::ptrdiff_t>(first + count));
    losses.push_back(torch::cross_entropy_loss(logits.to(torch::kFloat64), torch::tensor(labels),
                                               {}, torch::Reduction::None));
    activations.push_back(torch::cat(seen, 1));
  }
  return {torch::cat(losses), torch::cat(activations)};
}

/// Over a lattice of points a side: enough to see which single-precision path rounds worse.
ThreeWays compare_roundings(const Model& model, const Dataset& images, int points) {
  const FloatNetwork network(model, images, Precision::single_);
  const PlainLoop plain(model, images), exact(model, images, torch::kFloat64);
  const auto first = filter_normalised_direction(network.weights(), 0, 0);
  const auto second = filter_normalised_direction(network.weights(), 0, 1);
  ThreeWays result;
  for (const double y : landscape_positions(points, 1)) {
    for (const double x : landscape_positions(points, 1)) {
      Displacement d = scaled(first, x);
      add_scaled(d, y, second);
      const PlainLoop::Answers truth = exact.answers(moved_codes(model, d, torch::kFloat64), 250);
      const PlainLoop::Answers theirs = plain.answers(moved_codes(model, d, torch::kFloat32), 250);
      const PlainLoop::Answers mine = our_answers(network, images, d);
      result.ours.add(mine, truth);
      result.plain.add(theirs, truth);
      const double loss = theirs.losses.mean().item<double>();
      result.between = std::max(result.between, std::abs(mine.losses.mean().item<double>() - loss) /
                                                    (1 + std::abs(loss)));
      ++result.points;
    }
  }
  return result;
}

nlohmann::json rounding_json(const Rounding& one, int points) {
  return {{"largest", one.difference},
          {"mean", one.sum_difference / points},
          {"images", one.images},
          {"flipped_images", one.flipped_images},
          {"flipped_codes", one.flipped_codes},
          {"largest_of_other_images", one.others}};
}

void print_rounding(std::string_view name, const Rounding& one, int points) {
  fmt::print(
      "  {}: losses off by at most {:.1e} of 1 + loss, {:.1e} on average; {} of {} images have an "
      "activation code of their own ({} codes), the losses of all others are off by at most "
      "{:.1e}\n",
      name, one.difference, one.sum_difference / points, one.flipped_images, one.images,
      one.flipped_codes, one.others);
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
  int points = 51, threads = 1, lattice = 5;
  std::size_t count = 2000;
  CLI::App app("What analyses cost, against plain libtorch.");
  app.add_option("MODEL", path, "a LeNet-5; its data set's test images are used");
  app.add_flag("--json", json);
  app.add_option("--points", points, "a side of the plane, odd");
  app.add_option("--images", count);
  app.add_option("--threads", threads);
  app.add_option("--lattice", lattice, "points a side set against double precision, odd; 0: none");
  CLI11_PARSE(app, argc, argv);

  const Model model =
      path.empty() ? random_model(lenet5({.input = {1, 28, 28}}), 1) : load_model(path);
  const Dataset images =
      path.empty() ? random_dataset(std::get<Input>(model.graph.nodes.front().op), count, 1)
                   : load_dataset(model.info.dataset, Split::test).slice(0, count);
  const Result landscape = time_landscape(model, images, points, threads);
  const ThreeWays ways = lattice > 0 ? compare_roundings(model, images, lattice) : ThreeWays();
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
                                      {"lattice_points", ways.points},
                                      {"between", ways.between},
                                      {"ours", rounding_json(ways.ours, ways.points)},
                                      {"plain", rounding_json(ways.plain, ways.points)},
                                      {"gradient_s", bits.gradient},
                                      {"bits_s", bits.bits}}
                           .dump());
    return 0;
  }
  fmt::print(
      "landscape, {0} x {0} points on {1} images, {2} threads: plain libtorch {3:.1f} s (batches "
      "of "
      "{4}), ours {5:.1f} s: {6:.2f} times; losses differ by at most {7:.1e}\n",
      points, count, threads, landscape.plain, landscape.batch, landscape.ours,
      landscape.plain / landscape.ours, landscape.difference);
  if (ways.points > 0) {
    fmt::print("against sums in double precision, {} points; each other: {:.1e}\n", ways.points,
               ways.between);
    print_rounding("ours", ways.ours, ways.points);
    print_rounding("plain libtorch", ways.plain, ways.points);
  }
  fmt::print(
      "bits of ResNet-18: gradient {:.2f} s, sensitivity of every bit {:.2f} s more: {:.2f} "
      "times one gradient pass in all\n",
      bits.gradient, bits.bits, (bits.gradient + bits.bits) / bits.gradient);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
