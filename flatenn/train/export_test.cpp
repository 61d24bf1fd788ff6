#include "flatenn/train/export.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <span>
#include <vector>

#include "flatenn/data/synthetic.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/train/images.h"
#include "flatenn/train/step_plan.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Trains a few steps, so that steps, biases and running statistics have left their start.
void train_a_little(Module& module, const Dataset& data, int steps) {
  const auto& input = std::get<Input>(module.graph().nodes[0].op);
  Sgd optimizer(module, {});
  const auto plan = make_step_plan({}, module.graph(), 0);
  for (int i = 0; i < steps; ++i) {
    const std::size_t first = static_cast<std::size_t>(i) * 40;
    const Batch batch = make_batch(
        data, input,
        std::span(data.images).subspan(first * data.image_bytes(), 40 * data.image_bytes()),
        std::span(data.labels).subspan(first, 40), torch::kCPU);
    plan->step(module, optimizer, {batch, {}, 0.02, 0});
  }
}

struct Case {
  const char* network;
  WeightQuantizer quantizer;
  Normalization norm;
  LayerOrder order = LayerOrder::norm_first;
};

class Export : public ::testing::TestWithParam<Case> {};

/// Codes of every activation, trained module against the integer definition.
TEST_P(Export, IntegerNetworkRepeatsTheFakeQuantizedOne) {
  TrainSettings settings = testing_train::small_settings();
  settings.network.name = GetParam().network;
  settings.network.quantizer = GetParam().quantizer;
  settings.network.norm = GetParam().norm;
  settings.network.order = GetParam().order;
  settings.network.width = 0.1;
  const SyntheticOptions shape{.channels = 1, .height = 28, .width = 28};
  const bool convolutional = settings.network.name != "mlp";
  const Dataset data = convolutional ? make_synthetic(shape, 0, 400)
                                     : load_dataset("synthetic", Split::train).slice(0, 400);
  Module module(build_training_graph(settings, data), 5, torch::kCPU);
  train_a_little(module, data, 8);
  const Model model = export_model(module);
  EXPECT_EQ(model.graph.nodes.size(), fold_batch_norm(module.graph()).nodes.size());

  const bool deep = settings.network.name == "resnet20" || settings.network.name == "simplenet";
  const std::size_t images = deep ? 16 : 200;
  const Batch batch = make_batch(data, std::get<Input>(module.graph().nodes[0].op),
                                 std::span(data.images).first(images * data.image_bytes()),
                                 std::span(data.labels).first(images), torch::kCPU);
  const Pass pass = module.forward(batch.pixels, {.training = false, .keep_results = true});
  const auto evaluator = make_evaluator(Engine::torch, model, data);
  std::int64_t codes = 0, different = 0;
  // Behind a code that met a tie an image has other inputs, and other statistics, than in training:
  // only its first codes that differ count.
  std::vector<bool> met_a_tie(images, false);
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    if (!std::holds_alternative<Activation>(model.graph.nodes[i].op)) continue;
    const int node = module.graph().find(model.graph.nodes[i].name);
    const Tensor trained = (pass.results[static_cast<std::size_t>(node)] / model.steps[i])
                               .round()
                               .permute({3, 0, 1, 2})
                               .reshape({-1})
                               .to(torch::kInt32);
    const NodeTrace trace = evaluator->trace(static_cast<int>(i), 0, images);
    ASSERT_EQ(static_cast<std::int64_t>(trace.codes.size()), trained.numel());
    const std::size_t of_an_image = trace.codes.size() / images;
    for (std::size_t image = 0; image < images; ++image) {
      if (met_a_tie[image]) continue;
      const std::span expected(trained.data_ptr<std::int32_t>() + image * of_an_image, of_an_image);
      const auto actual = std::span(trace.codes).subspan(image * of_an_image, of_an_image);
      std::int64_t here = 0;
      for (std::size_t j = 0; j < of_an_image; ++j) here += actual[j] != expected[j] ? 1 : 0;
      codes += static_cast<std::int64_t>(of_an_image);
      different += here;
      met_a_tie[image] = here > 0;
    }
  }
  // At most one in a million meets a tie; of a million, three may do so by chance (the Poisson
  // distribution of mean 1 exceeds three in one case of fifty).
  EXPECT_LE(different, std::max<std::int64_t>(3, codes / 1000000)) << "of " << codes;
  const NodeTrace logits =
      evaluator->trace(static_cast<int>(model.graph.nodes.size()) - 1, 0, images);
  const Tensor expected = torch::tensor(logits.values).reshape({std::int64_t(images), -1});
  const double far = ((expected - pass.logits).abs().amax(1) > 1e-3).sum().item<double>();
  EXPECT_LE(far, std::ranges::count(met_a_tie, true));
}

std::string name_of(const Case& c) {
  constexpr const char* norms[] = {"", "_bn", "_gn"};
  const char* const order = c.order == LayerOrder::activation_first ? "_activation_first" : "";
  return std::string(c.network) + "_" + std::string(to_string(c.quantizer)) +
         norms[static_cast<int>(c.norm)] + order;
}

INSTANTIATE_TEST_SUITE_P(
    All, Export,
    ::testing::Values(
        Case{"mlp", WeightQuantizer::lsq, Normalization::none},
        Case{"mlp", WeightQuantizer::lsq, Normalization::group},
        Case{"lenet5", WeightQuantizer::lsq, Normalization::none},
        Case{"lenet5", WeightQuantizer::lsq, Normalization::batch},
        Case{"lenet5", WeightQuantizer::lsq, Normalization::batch, LayerOrder::activation_first},
        Case{"resnet20", WeightQuantizer::lsq, Normalization::batch, LayerOrder::activation_first},
        Case{"lenet5", WeightQuantizer::lsq, Normalization::group},
        Case{"lenet5", WeightQuantizer::saq, Normalization::batch},
        Case{"lenet5", WeightQuantizer::saq, Normalization::group},
        Case{"lenet5", WeightQuantizer::robust, Normalization::none},
        Case{"lenet5", WeightQuantizer::symmetric, Normalization::none},
        Case{"resnet20", WeightQuantizer::lsq, Normalization::batch},
        Case{"resnet20", WeightQuantizer::lsq, Normalization::group},
        Case{"simplenet", WeightQuantizer::lsq, Normalization::batch},
        Case{"simplenet", WeightQuantizer::robust, Normalization::group}),
    [](const auto& info) { return name_of(info.param); });

TEST(ExportModel, StoresTheValuesOfTheForwardPassBitForBit) {
  const TrainSettings settings = testing_train::small_settings();
  const Dataset data = load_dataset("synthetic", Split::train).slice(0, 400);
  Module module(build_training_graph(settings, data), 6, torch::kCPU);
  train_a_little(module, data, 5);
  const Batch batch = make_batch(data, std::get<Input>(module.graph().nodes[0].op), data.image(0),
                                 std::span(data.labels).first(1), torch::kCPU);
  const Pass pass = module.forward(batch.pixels, {});
  const Model model = export_model(module);
  ASSERT_EQ(pass.weights.size(), model.weights.size());
  for (std::size_t i = 0; i < model.weights.size(); ++i) {
    const WeightTensor& stored = model.weights[i];
    for (std::size_t j = 0; j < stored.codes.size(); ++j) {
      ASSERT_EQ(pass.weights[i].values.data_ptr<float>()[j],
                dequantize(stored.codes[j], stored.scale, stored.offset));
    }
  }
}

}  // namespace
}  // namespace flatenn
