// Images x fault maps a second and thread: whole trials on the integer evaluator, each path (draw a
// map at rate 0.01, corrupt, classify, count, restore), against libtorch's float32 forward alone of
// the same network (batch norm folded, inference mode, the best of three batch sizes and two memory
// formats). All sides take turns in one run; the best turn of each counts, in processor time, so
// that neighbours on a shared machine disturb neither side more than the other.
//
//   campaign_bench [--json] [--seconds 0.5] [--turns 5] [--most 8] [--batches 64,256,1000]
//                   [--network lenet5,resnet20,resnet18]
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/guarded.h"
#include "bench/int8_peak.h"
#include "bench/trials.h"
#include "bench/turns.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/testing.h"

namespace flatenn {
namespace {

/// The float network of a folded graph, with random weights: plain libtorch calls.
class FloatNetwork {
 public:
  FloatNetwork(const Graph& graph, torch::MemoryFormat format) : graph_(graph) {
    const std::vector<NodeInfo> infos = check_graph(graph);
    for (const NodeInfo& info : infos) {
      const std::vector<std::int64_t> shape(info.weight_shape.begin(), info.weight_shape.end());
      torch::Tensor weight = shape.empty() ? torch::Tensor() : torch::randn(shape) * 0.1;
      if (shape.size() == 4) weight = weight.contiguous(format);
      weights_.push_back(weight);
      biases_.push_back(shape.empty() ? torch::Tensor() : torch::randn({shape[0]}));
    }
    last_reader_.resize(graph.nodes.size());
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const int input : graph.nodes[n].inputs) last_reader_[input] = n;
    }
  }

  torch::Tensor forward(const torch::Tensor& images) const {
    std::vector<torch::Tensor> results(graph_.nodes.size());
    results[0] = images;
    for (std::size_t n = 1; n < graph_.nodes.size(); ++n) {
      results[n] = compute(n, results);
      for (const int input : graph_.nodes[n].inputs) {
        if (last_reader_[input] == n) results[input].reset();
      }
    }
    return results.back();
  }

 private:
  torch::Tensor compute(std::size_t n, const std::vector<torch::Tensor>& results) const {
    const Node& node = graph_.nodes[n];
    const torch::Tensor& in = results[node.inputs[0]];
    if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
      return torch::conv2d(in, weights_[n], biases_[n], conv->stride, conv->padding);
    }
    if (std::holds_alternative<Linear>(node.op)) return torch::linear(in, weights_[n], biases_[n]);
    if (std::holds_alternative<Activation>(node.op)) return torch::relu(in);
    if (const auto* pool = std::get_if<MaxPool>(&node.op)) {
      return torch::max_pool2d(in, pool->kernel, pool->stride);
    }
    if (const auto* pool = std::get_if<AvgPool>(&node.op)) {
      return torch::avg_pool2d(in, pool->kernel, pool->stride);
    }
    if (std::holds_alternative<Add>(node.op)) return in + results[node.inputs[1]];
    if (std::holds_alternative<Flatten>(node.op)) return torch::flatten(in, 1);
    return in;  // quantize and output do nothing in floats
  }

  Graph graph_;
  std::vector<torch::Tensor> weights_, biases_;
  std::vector<std::size_t> last_reader_;  ///< results are freed after it, as in a module's forward
};

Side torch_side(const Graph& graph, int batch, torch::MemoryFormat format, const char* label) {
  const auto& input = std::get<Input>(graph.nodes.front().op);
  const auto network = std::make_shared<FloatNetwork>(graph, format);
  const torch::Tensor images =
      torch::randn({batch, input.channels, input.height, input.width}).contiguous(format);
  return {fmt::format("torch float32, batch {}, {}", batch, label), [=] {
            const torch::InferenceMode guard;
            const torch::Tensor classes = network->forward(images).argmax(1);
            return static_cast<double>(classes.numel());
          }};
}

Side int8_side(const Model& model, const Dataset& data, Int8Path path) {
  Int8EvaluatorOptions options;
  options.path = path;
  const auto trials =
      std::make_shared<Trials>(make_int8_evaluator(model, data, options), model, data);
  return {std::string(trials->evaluator().name()), [trials] { return trials->run(); }};
}

struct Row {
  std::string network;
  std::vector<Side> sides;
  double torch = 0, peak = 0, work = 0;  ///< best images a second; multiply-adds a second, an image
};

Row measure(const std::string& network, const std::vector<int>& batches, double seconds, int turns,
            double most) {
  Row row;
  row.network = network;
  const Graph graph = network_graph(network);
  const Model model = random_model(graph, 1);
  const auto& input = std::get<Input>(graph.nodes.front().op);
  const std::size_t images = network == "resnet18" ? 64 : network == "resnet20" ? 256 : 10000;
  const Dataset data = random_dataset(input, images, 1);
  const Dataset few = data.slice(0, std::min<std::size_t>(images, 16));
  for (const int batch : batches) {
    row.sides.push_back(
        torch_side(graph, batch, torch::MemoryFormat::Contiguous, "channels first"));
    row.sides.push_back(
        torch_side(graph, batch, torch::MemoryFormat::ChannelsLast, "channels last"));
  }
  const std::size_t torch_sides = row.sides.size();
  row.sides.push_back(int8_side(model, few, Int8Path::portable));
  row.sides.back().once = true;
  if (detect_int8_path() != Int8Path::portable) {
    row.sides.push_back(int8_side(model, data, Int8Path::avx2));
  }
  if (detect_int8_path() == Int8Path::avx512_vnni) {
    row.sides.push_back(int8_side(model, data, Int8Path::avx512_vnni));
    row.sides.push_back({"dot-product peak", [] { return double(run_int8_peak(1000000)); }});
  }
  take_turns(row.sides, seconds, turns, most);
  for (std::size_t i = 0; i < torch_sides; ++i) row.torch = std::max(row.torch, row.sides[i].best);
  if (row.sides.back().name == "dot-product peak") {
    row.peak = row.sides.back().best;
    row.sides.pop_back();
  }
  row.work = multiply_adds(graph);
  return row;
}

/// Multiply-adds of the network over the time of whole trials, as a share of the peak.
double peak_share(const Row& row) {
  return row.peak > 0 ? row.sides.back().best * row.work / row.peak : 0;
}

void print_text(const std::vector<Row>& rows) {
  fmt::print("{}, one thread\n", processor_name());
  for (const Row& row : rows) {
    fmt::print("\n{}: {:.2f} M multiply-adds an image\n", row.network, row.work * 1e-6);
    for (const Side& side : row.sides) {
      fmt::print("  {:44} {:10.0f} images/s {:8.2f} x\n", side.name, side.best,
                 side.best / row.torch);
    }
    if (row.peak > 0) {
      fmt::print("  {:.0f} % of the dot-product peak of {:.0f} GOP/s\n", 100 * peak_share(row),
                 row.peak * 2e-9);
    }
  }
}

void print_json(const std::vector<Row>& rows) {
  nlohmann::json json;
  json["processor"] = processor_name();
  for (const Row& row : rows) {
    nlohmann::json entry = {{"network", row.network},
                            {"threads", 1},
                            {"torch_images_per_s", row.torch},
                            {"int8_images_per_s", row.sides.back().best},
                            {"ratio", row.sides.back().best / row.torch},
                            {"peak_share", peak_share(row)}};
    for (const Side& side : row.sides) entry["sides"][side.name] = side.best;
    json["rows"].push_back(entry);
  }
  fmt::print("{}\n", json.dump(2));
}

int run(int argc, char** argv) {
  CLI::App app("Trials of a campaign against libtorch's float32 forward");
  bool json = false;
  double seconds = 0.5;
  int turns = 5;
  double most = 8;
  std::vector<int> batches = {64, 256, 1000};
  std::vector<std::string> networks = {"lenet5", "resnet20", "resnet18"};
  app.add_flag("--json", json, "machine-readable output");
  app.add_option("--seconds", seconds, "processor time a side and turn");
  app.add_option("--turns", turns, "turns of every side");
  app.add_option("--most", most, "processor time after which a side takes no more turns");
  app.add_option("--network", networks, "networks to measure")->delimiter(',');
  app.add_option("--batches", batches, "batch sizes of libtorch, the best counts")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(1);
  std::vector<Row> rows;
  for (const std::string& network : networks)
    rows.push_back(measure(network, batches, seconds, turns, most));
  json ? print_json(rows) : print_text(rows);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
