#include "flatenn/analysis/activity.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"

namespace flatenn {
namespace {

/// input (1 pixel) -> linear to 3 -> activation -> linear to 3 -> output.
Model small_model() {
  Model model;
  Graph& graph = model.graph;
  graph.nodes.push_back({"input", Input{.channels = 1, .height = 1, .width = 1, .scale = 1}, {}});
  graph.nodes.push_back({"fc1", Linear{.out_features = 3}, {0}});
  graph.nodes.push_back({"act", Activation{.bits = 8}, {1}});
  graph.nodes.push_back({"flat", Flatten{}, {2}});
  graph.nodes.push_back({"fc2", Linear{.out_features = 3}, {3}});
  graph.nodes.push_back({"output", Output{}, {4}});
  model.weights.push_back({1, "fc1.weight", {3, 1}, {.bits = 4}, 1, 0, {1, -1, 0}});
  model.weights.push_back(
      {4, "fc2.weight", {3, 3}, {.bits = 4}, 0.5f, 0, {1, 0, 0, 0, 0, 0, -8, 0, 7}});
  model.affine.resize(6);
  model.affine[1] = {{1, 1, 1}, {}, {0, 5, 0}};
  model.affine[4] = {{1, 1, 1}, {}, {0, 0, 2}};
  model.steps.assign(6, 1);
  check_model(model);
  return model;
}

Dataset four_pixels() {
  Dataset data;
  data.name = "four";
  data.channels = data.height = data.width = 1;
  data.classes = 3;
  data.images = {0, 3, 5, 200};
  data.labels = {2, 0, 1, 0};
  return data;
}

TEST(Activity, ZerosAreCountedLayerByLayer) {
  const Model model = small_model();
  const Dataset data = four_pixels();
  const auto evaluator = make_reference_evaluator(model, data);
  const auto layers = layer_sparsity(*evaluator, model, data);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].node, "act");
  EXPECT_EQ(layers[0].elements, 3u);
  // Codes (q, 5 - q, 0) of q = 0, 3, 5, 200: zeros 2, 1, 2, 2 of 12.
  EXPECT_DOUBLE_EQ(layers[0].zeros, 100 * 7.0 / 12);
}

TEST(Activity, MarginsAreTheLabelsLeadOverTheBestOther) {
  const Model model = small_model();
  const Dataset data = four_pixels();
  const auto evaluator = make_reference_evaluator(model, data);
  // Logits (q, 0, 2 - 8 q): margins 2 - 0, 3 - 0, 0 - 5, 200 - 0.
  const Margins margins = measure_margins(*evaluator, model, data);
  EXPECT_DOUBLE_EQ(margins.mean, (2 + 3 - 5 + 200) / 4.0);
  EXPECT_EQ(margins.shares.front(), 0);
  EXPECT_EQ(margins.quantiles.front(), -5);
  EXPECT_EQ(margins.shares.back(), 1);
  EXPECT_EQ(margins.quantiles.back(), 200);
  EXPECT_DOUBLE_EQ(margins.quantiles[10], 2.5);  // between 2 and 3
  EXPECT_TRUE(std::ranges::is_sorted(margins.quantiles));
}

TEST(Activity, AgreesWithTheSparsityOfTheWhole) {
  const Model model = random_model(random_graph(3), 3);
  const Dataset data = random_dataset(std::get<Input>(model.graph.nodes.front().op), 9, 3);
  const auto evaluator = make_reference_evaluator(model, data);
  double zeros = 0, elements = 0;
  for (const LayerSparsity& layer : layer_sparsity(*evaluator, model, data)) {
    zeros += layer.zeros * static_cast<double>(layer.elements);
    elements += static_cast<double>(layer.elements);
  }
  if (elements == 0) GTEST_FAIL() << "a network without activations tests nothing";
  EXPECT_NEAR(zeros / elements, activation_sparsity(*evaluator, model, data), 1e-9);
}

TEST(Activity, HistogramsCountEveryCode) {
  const auto histograms = code_histograms(small_model());
  ASSERT_EQ(histograms.size(), 2u);
  EXPECT_EQ(histograms[1].tensor, "fc2.weight");
  EXPECT_EQ(histograms[1].first_code, -8);
  ASSERT_EQ(histograms[1].counts.size(), 16u);
  EXPECT_EQ(histograms[1].counts[0], 1u);   // -8
  EXPECT_EQ(histograms[1].counts[8], 6u);   // 0
  EXPECT_EQ(histograms[1].counts[15], 1u);  // 7
  EXPECT_EQ(histograms[1].scale, 0.5f);
}

}  // namespace
}  // namespace flatenn
