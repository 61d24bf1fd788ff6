#include "flatenn/graph/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/graph/builders.h"
#include "flatenn/graph/testing.h"

namespace flatenn {
namespace {

using ::testing::HasSubstr;

/// A residual network with weight offsets: every field of a model is in use.
Model whole_model() {
  NetworkOptions options{.input = {.channels = 1, .height = 8, .width = 8}, .classes = 3};
  options.weights.quantizer = WeightQuantizer::saq;
  Model model = random_model(resnet20(options), 1);
  model.info.class_names = {"a", "b", "c"};
  return model;
}

std::string error_of(const Model& model) {
  try {
    check_model(model);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Model, CountsWeights) {
  const Model model = random_model(lenet5({}), 1);
  EXPECT_EQ(model.weight_count(), 61470);
  EXPECT_EQ(error_of(model), "no error");
}

TEST(Model, EveryFlawIsNamed) {
  struct Case {
    const char* message;
    void (*spoil)(Model&);
  };
  static const float nan = std::numeric_limits<float>::quiet_NaN();
  static const float inf = std::numeric_limits<float>::infinity();
  const Case cases[] = {
      {"kernel 99 is larger", [](Model& m) { std::get<Conv2d>(m.graph.nodes[1].op).kernel = 99; }},
      {"21 weight tensors for 22 nodes", [](Model& m) { m.weights.pop_back(); }},
      {"affine maps and", [](Model& m) { m.affine.pop_back(); }},
      {"steps for", [](Model& m) { m.steps.push_back(1); }},
      {"in graph order it must be 1", [](Model& m) { std::swap(m.weights[0], m.weights[1]); }},
      {"tensor 'other': must be named 'conv1.weight'",
       [](Model& m) { m.weights[0].name = "other"; }},
      {"tensor 'conv1.weight': shape (16, 1, 9), its node needs (16, 1, 3, 3)",
       [](Model& m) {
         m.weights[0].shape = {16, 1, 9};
       }},
      {"tensor 'conv1.weight': 143 codes, its shape has 144",
       [](Model& m) { m.weights[0].codes.pop_back(); }},
      {"tensor 'conv1.weight': its format differs", [](Model& m) { m.weights[0].format.bits = 5; }},
      {"tensor 'conv1.weight': scale nan", [](Model& m) { m.weights[0].scale = nan; }},
      {"tensor 'conv1.weight': scale 0", [](Model& m) { m.weights[0].scale = 0; }},
      {"offset inf finite", [](Model& m) { m.weights[0].offset = inf; }},
      {"tensor 'conv1.weight': code 8 at element 5 is not a 4-bit twos_complement code (-8 to 7)",
       [](Model& m) { m.weights[0].codes[5] = 8; }},
      {"node 'conv1': multiplier has 15 values, must have 16",
       [](Model& m) { m.affine[1].multiplier.pop_back(); }},
      {"node 'conv1': addend[2] is nan", [](Model& m) { m.affine[1].addend[2] = nan; }},
      {"node 'conv1': multiplier[0] is 1e+30", [](Model& m) { m.affine[1].multiplier[0] = 1e30f; }},
      {"node 'conv1': window_multiplier has 0 values, must have 16",
       [](Model& m) { m.affine[1].window_multiplier.clear(); }},
      {"node 'conv1': window_multiplier has 16 values, must have 0",
       [](Model& m) { m.weights[0].offset = 0; }},
      {"node 'conv1_act': multiplier has 1 values, must have 0",
       [](Model& m) { m.affine[2].multiplier = {1}; }},
      {"node 'pool': multiplier has 2 values, must have 1",
       [](Model& m) {
         m.affine[m.graph.find("pool")].multiplier = {1, 1};
       }},
      {"node 'stage1_block1_add': multiplier has 1 values, must have 2",
       [](Model& m) { m.affine[m.graph.find("stage1_block1_add")].multiplier = {1}; }},
      {"node 'conv1_act': step -1", [](Model& m) { m.steps[2] = -1; }},
      {"2 class names for 3 classes", [](Model& m) { m.info.class_names.pop_back(); }},
      {"percentages", [](Model& m) { m.info.sparsity = nan; }},
      {"percentages", [](Model& m) { m.info.clean_accuracy = 101; }},
      {"recipe: not valid JSON", [](Model& m) { m.info.recipe = "{]"; }},
  };
  for (const Case& c : cases) {
    Model model = whole_model();
    c.spoil(model);
    EXPECT_THAT(error_of(model), HasSubstr(c.message));
  }
}

TEST(Model, FlawsOfAGroupNormAreNamed) {
  static const float nan = std::numeric_limits<float>::quiet_NaN();
  static const float inf = std::numeric_limits<float>::infinity();
  NetworkOptions options;
  options.norm = Normalization::group;
  const Model whole = random_model(lenet5(options), 1);
  EXPECT_EQ(error_of(whole), "no error");
  const int norm = whole.graph.find("conv1_gn");
  const auto spoiled = [&](auto spoil) {
    Model model = whole;
    spoil(model.affine[static_cast<std::size_t>(norm)]);
    return error_of(model);
  };
  EXPECT_THAT(spoiled([](NodeAffine& a) { a.multiplier[2] = nan; }),
              HasSubstr("node 'conv1_gn': multiplier[2] is nan"));
  EXPECT_THAT(spoiled([](NodeAffine& a) { a.addend[0] = inf; }),
              HasSubstr("node 'conv1_gn': addend[0] is inf"));
  EXPECT_THAT(spoiled([](NodeAffine& a) { a.addend.pop_back(); }),
              HasSubstr("node 'conv1_gn': addend has 5 values, must have 6"));
  EXPECT_THAT(spoiled([](NodeAffine& a) { a.multiplier = {1}; }),
              HasSubstr("node 'conv1_gn': multiplier has 1 values, must have 6"));
  EXPECT_THAT(spoiled([](NodeAffine& a) { a.window_multiplier = {1}; }),
              HasSubstr("node 'conv1_gn': window_multiplier has 1 values, must have 0"));
}

TEST(Model, BatchNormMustBeFolded) {
  NetworkOptions options;
  options.norm = Normalization::batch;
  Model model = random_model(lenet5(options), 1);
  EXPECT_EQ(error_of(model), "no error");
  model.graph = lenet5(options);
  EXPECT_EQ(error_of(model),
            "node 'conv1_bn': a model holds no batch_norm; it is folded into the node before");
}

}  // namespace
}  // namespace flatenn
