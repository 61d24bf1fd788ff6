// The own integer kernels against oneDNN's int8 primitives, whole networks, one thread: the forward
// passes alone, and whole trials, for which the library's weights have to be packed anew with every
// fault map while the own ones are patched. All sides take turns in one run; the best turn of each
// counts, in processor time.
//
//   onednn_bench [--json] [--seconds 0.5] [--turns 5] [--batches 16,64,256]
//                [--network lenet5,resnet20,resnet18]
#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/guarded.h"
#include "bench/onednn_network.h"
#include "bench/trials.h"
#include "bench/turns.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/testing.h"

namespace flatenn {
namespace {

/// Of a trial: a multiple of every batch.
std::size_t images_of(const std::string& network) {
  return network == "resnet18" ? 256 : network == "resnet20" ? 1024 : 8192;
}

struct Row {
  std::string network;
  std::vector<int> batches;
  std::vector<Side> sides;        ///< own forward, own trial; then the library's, two a batch
  std::vector<double> agreement;  ///< share of equal answers, one a batch
};

Side onednn_forward(const std::shared_ptr<OnednnNetwork>& network, std::size_t images) {
  const auto classes = std::make_shared<std::vector<std::uint8_t>>(images);
  return {"onednn forward", [=] {
            network->classify(*classes);
            benchmark::DoNotOptimize(classes->data());
            return static_cast<double>(classes->size());
          }};
}

Side onednn_trial(const std::shared_ptr<OnednnNetwork>& network, const Model& model,
                  std::size_t images) {
  const auto classes = std::make_shared<std::vector<std::uint8_t>>(images);
  const auto corruption = std::make_shared<Corruption>(model, 0.01);
  return {"onednn trial", [=] {
            network->write(corruption->apply());
            network->pack();
            network->classify(*classes);
            benchmark::DoNotOptimize(classes->data());
            network->write(corruption->undo());
            return static_cast<double>(classes->size());
          }};
}

void add_own_sides(const Model& model, const Dataset& data, Row& row) {
  const auto trials = std::make_shared<Trials>(make_int8_evaluator(model, data), model, data);
  row.sides.push_back({"own forward", [trials, &data] {
                         benchmark::DoNotOptimize(
                             count_correct(trials->evaluator(), data, 0, data.size()));
                         return static_cast<double>(data.size());
                       }});
  row.sides.push_back({"own trial", [trials] { return trials->run(); }});
}

double agreement(OnednnNetwork& network, const Model& model, const Dataset& data) {
  std::vector<std::uint8_t> theirs(data.size()), ours(data.size());
  network.classify(theirs);
  make_int8_evaluator(model, data)->classify(0, data.size(), ours);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < data.size(); ++i) equal += theirs[i] == ours[i];
  return static_cast<double>(equal) / static_cast<double>(data.size());
}

/// A random network whose residual branches hardly ever leave their 8 bits, as trained ones do not:
/// the library's side does not clip them.
Model calm_model(const Graph& graph) {
  Model model = random_model(graph, 1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool adds = std::holds_alternative<Add>(graph.nodes[n].op);
    if (!adds && !std::holds_alternative<Quantize>(graph.nodes[n].op)) continue;
    NodeAffine& affine =
        model.affine[adds ? n : static_cast<std::size_t>(graph.nodes[n].inputs[0])];
    for (std::size_t i = 0; i < affine.multiplier.size(); ++i) {
      const bool code =
          !adds || std::holds_alternative<Quantize>(
                       graph.nodes[static_cast<std::size_t>(graph.nodes[n].inputs[i])].op);
      if (code) affine.multiplier[i] *= adds ? 3.0f : 1 / 3.0f;
    }
    for (float& addend : affine.addend) addend /= 3;
  }
  return model;
}

Row measure(const std::string& name, const std::vector<int>& batches, double seconds, int turns) {
  Row row;
  row.network = name;
  // A zero point of the pixels would cost the library more than the own kernels.
  const Graph graph = network_graph(name, 0);
  const Model model = calm_model(graph);
  const std::size_t images = images_of(name);
  const Dataset data = random_dataset(std::get<Input>(graph.nodes.front().op), images, 1);
  add_own_sides(model, data, row);
  for (const int batch : batches) {
    if (batch < 1 || images % static_cast<std::size_t>(batch) != 0) {
      fail("batch {} does not divide the {} images of {}", batch, images, name);
    }
    const auto network = std::make_shared<OnednnNetwork>(model, data, batch);
    row.batches.push_back(batch);
    row.agreement.push_back(agreement(*network, model, data));
    row.sides.push_back(onednn_forward(network, images));
    row.sides.push_back(onednn_trial(network, model, images));
  }
  take_turns(row.sides, seconds, turns, 2 * seconds * turns);
  return row;
}

void print_text(const std::vector<Row>& rows) {
  fmt::print("{}, one thread, oneDNN {}.{}; images/s\n", processor_name(), DNNL_VERSION_MAJOR,
             DNNL_VERSION_MINOR);
  for (const Row& row : rows) {
    const double forward = row.sides[0].best, trial = row.sides[1].best;
    fmt::print("\n{}, {} images a trial: own forward {:.0f}, trials {:.0f}\n", row.network,
               images_of(row.network), forward, trial);
    for (std::size_t b = 0; b < row.batches.size(); ++b) {
      const Side &theirs = row.sides[2 + 2 * b], &packing = row.sides[3 + 2 * b];
      fmt::print(
          "  oneDNN, batch {:4}: forward {:8.0f} (own {:.2f} x), trials {:8.0f} (own {:.2f} x), "
          "{:.1f} % of answers equal\n",
          row.batches[b], theirs.best, forward / theirs.best, packing.best, trial / packing.best,
          100 * row.agreement[b]);
    }
  }
}

void print_json(const std::vector<Row>& rows) {
  nlohmann::json json;
  json["processor"] = processor_name();
  for (const Row& row : rows) {
    for (std::size_t b = 0; b < row.batches.size(); ++b) {
      json["rows"].push_back({{"network", row.network},
                              {"threads", 1},
                              {"batch", row.batches[b]},
                              {"images", images_of(row.network)},
                              {"own_images_per_s", row.sides[0].best},
                              {"own_trial_images_per_s", row.sides[1].best},
                              {"onednn_images_per_s", row.sides[2 + 2 * b].best},
                              {"onednn_trial_images_per_s", row.sides[3 + 2 * b].best},
                              {"answers_equal", row.agreement[b]}});
    }
  }
  fmt::print("{}\n", json.dump(2));
}

int run(int argc, char** argv) {
  CLI::App app("The own integer kernels against oneDNN's");
  bool json = false;
  double seconds = 0.5;
  int turns = 5;
  std::vector<int> batches = {16, 64, 256};
  std::vector<std::string> networks = {"lenet5", "resnet20", "resnet18"};
  app.add_flag("--json", json, "machine-readable output");
  app.add_option("--seconds", seconds, "processor time a side and turn");
  app.add_option("--turns", turns, "turns of every side");
  app.add_option("--network", networks, "networks to measure")->delimiter(',');
  app.add_option("--batches", batches, "batch sizes of oneDNN")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  omp_set_num_threads(1);
  std::vector<Row> rows;
  for (const std::string& network : networks)
    rows.push_back(measure(network, batches, seconds, turns));
  json ? print_json(rows) : print_text(rows);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
