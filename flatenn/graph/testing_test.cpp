#include "flatenn/graph/testing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

TEST(RandomModel, IsWholeAndAFunctionOfItsSeed) {
  for (const char* name : {"lenet5", "resnet20", "simplenet"}) {
    const Graph graph = build_network(name, {.input = {3, 32, 32}});
    const Model model = random_model(graph, 7);
    EXPECT_NO_THROW(check_model(model)) << name;
    EXPECT_EQ(serialize_model(model), serialize_model(random_model(graph, 7))) << name;
    EXPECT_NE(model_hash(model), model_hash(random_model(graph, 8))) << name;
  }
}

TEST(RandomModel, CodesReachBothEndsOfTheirFormat) {
  for (const WeightQuantizer quantizer : {WeightQuantizer::lsq, WeightQuantizer::saq}) {
    const WeightFormat format{quantizer, {.bits = 3}};
    Graph graph;
    graph.nodes = {{"input", Input{1, 8, 8}, {}},
                   {"flatten", Flatten{}, {0}},
                   {"fc", Linear{10, true, format}, {1}},
                   {"output", Output{}, {2}}};
    const Model model = random_model(graph, 1);
    const auto [low, high] = std::ranges::minmax(model.weights[0].codes);
    EXPECT_EQ(low, format.code.min_code());
    EXPECT_EQ(high, format.code.max_code());
    EXPECT_EQ(model.weights[0].offset != 0, quantizer == WeightQuantizer::saq);
    EXPECT_EQ(model.affine[2].window_multiplier.empty(), quantizer == WeightQuantizer::lsq);
  }
}

TEST(RandomModel, SomeMultipliersAreNegative) {
  const Model model = random_model(build_network("lenet5", {}), 3);
  std::size_t negative = 0, all = 0;
  for (const NodeAffine& affine : model.affine) {
    all += affine.multiplier.size();
    negative += static_cast<std::size_t>(
        std::ranges::count_if(affine.multiplier, [](float m) { return m < 0; }));
  }
  EXPECT_GT(10 * negative, all);
  EXPECT_LT(10 * negative, 4 * all);
}

}  // namespace
}  // namespace flatenn
