#include "flatenn/train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "flatenn/train/muon.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// One linear layer of six weights: input, linear, output.
Module tiny_module() {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 6, .height = 1, .width = 1}, {}});
  graph.nodes.push_back({"flat", Flatten{}, {0}});
  graph.nodes.push_back({"fc", Linear{.out_features = 1}, {1}});
  graph.nodes.push_back({"output", Output{}, {2}});
  return Module(graph, 0, torch::kCPU);
}

TEST(Sgd, AgreesWithTorchOptim) {
  std::ifstream file(FLATENN_SOURCE_DIR "/tests/parity/optimizer.json");
  for (const nlohmann::json& c : nlohmann::json::parse(file)) {
    Module module = tiny_module();
    Tensor weight = module.find(2, ParameterKind::weight);
    const auto tensor = [](const nlohmann::json& values) {
      return torch::tensor(values.get<std::vector<double>>(), torch::kFloat32).reshape({1, 6});
    };
    OptimizerSettings settings;
    settings.nesterov = c["nesterov"];
    settings.weight_decay = c["weight_decay"];
    {
      const torch::NoGradGuard guard;
      weight.copy_(tensor(c["start"]));
    }
    Sgd sgd(module, settings);
    for (const nlohmann::json& gradient : c["gradients"]) {
      weight.mutable_grad() = tensor(gradient);
      sgd.step(module, 0.1);
    }
    EXPECT_TRUE(torch::allclose(weight, tensor(c["end"]), 1e-6, 1e-6));
  }
}

TEST(Sgd, DecaysWeightsAloneAndLeavesWhatHasNoGradient) {
  Module module = tiny_module();
  Tensor bias = module.find(2, ParameterKind::bias);
  const Tensor before = module.find(2, ParameterKind::weight).detach().clone();
  {
    const torch::NoGradGuard guard;
    bias.fill_(2);
  }
  OptimizerSettings settings;
  settings.weight_decay = 0.5;
  Sgd sgd(module, settings);
  bias.mutable_grad() = torch::zeros_like(bias);
  sgd.step(module, 0.1);
  EXPECT_EQ(bias.item<float>(), 2);
  EXPECT_TRUE(torch::equal(module.find(2, ParameterKind::weight), before));
}

/// Three linear layers: fc1, fc2, fc3.
Module deep_module() {
  NetworkOptions options;
  options.input = {.channels = 6, .height = 1, .width = 1};
  options.hidden = {5, 4};
  return Module(mlp(options), 0, torch::kCPU);
}

TEST(Sgd, MuonMovesInnerWeightsAloneByOrthogonalisedDirections) {
  OptimizerSettings settings;
  settings.learning_rate = 0.2;
  settings.weight_decay = 0.5;
  Module plain = deep_module();
  Module muon = deep_module();
  Sgd plain_sgd(plain, settings);
  settings.muon_rate = 0.02;
  Sgd muon_sgd(muon, settings);
  Tensor expected = muon.find(4, ParameterKind::weight).detach().clone();
  Tensor momentum = torch::zeros_like(expected);
  torch::manual_seed(4);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < plain.parameters().size(); ++i) {
      const Tensor gradient = torch::randn(plain.parameters()[i].tensor.sizes());
      plain.parameters()[i].tensor.mutable_grad() = gradient;
      muon.parameters()[i].tensor.mutable_grad() = gradient;
      if (muon.parameters()[i].name != "fc2.weight") continue;
      momentum = 0.9 * momentum + gradient;
      // At half the learning rate of the settings the Muon rate is halved too.
      const Tensor moved = expected - 0.01 * orthogonalise(gradient + 0.9 * momentum);
      expected = moved * expected.norm() / moved.norm();
    }
    plain_sgd.step(plain, 0.1);
    muon_sgd.step(muon, 0.1);
  }
  for (std::size_t i = 0; i < plain.parameters().size(); ++i) {
    const Parameter& p = muon.parameters()[i];
    const bool same = torch::equal(p.tensor, plain.parameters()[i].tensor);
    EXPECT_EQ(same, p.name != "fc2.weight") << p.name;
  }
  EXPECT_TRUE(torch::allclose(muon.find(4, ParameterKind::weight), expected, 1e-5, 1e-6));
}

TEST(Sgd, LearnedStepsMoveByABoundedShareOfThemselves) {
  Module module = tiny_module();
  Tensor step = module.find(2, ParameterKind::weight_step);
  Tensor weight = module.find(2, ParameterKind::weight);
  const Tensor before = weight.detach().clone();
  {
    const torch::NoGradGuard guard;
    step.fill_(0.5);
  }
  OptimizerSettings settings;
  settings.step_change = 0.1;
  settings.momentum = 0;
  settings.nesterov = false;
  settings.weight_decay = 0;
  Sgd sgd(module, settings);
  const auto updated = [&](double gradient) {
    step.mutable_grad() = torch::full_like(step, gradient);
    weight.mutable_grad() = torch::ones_like(weight);
    sgd.step(module, 0.1);
    return step.item<float>();
  };
  EXPECT_FLOAT_EQ(updated(0.2), 0.48F);   // 0.02 is less than a tenth of 0.5
  EXPECT_FLOAT_EQ(updated(100), 0.432F);  // would have crossed zero
  EXPECT_FLOAT_EQ(updated(-100), 0.4752F);
  EXPECT_TRUE(torch::allclose(weight, before - 0.3));  // weights know no bound
}

TEST(LearningRate, WarmsUpAndFollowsItsSchedule) {
  OptimizerSettings s;
  s.learning_rate = 1;
  s.warmup_steps = 10;
  EXPECT_NEAR(learning_rate(s, 0, 1000), 0.1, 1e-6);
  EXPECT_NEAR(learning_rate(s, 500, 1000), 0.5, 1e-12);
  EXPECT_LT(learning_rate(s, 999, 1000), 1e-5);
  s.schedule = LearningRateSchedule::step;
  EXPECT_DOUBLE_EQ(learning_rate(s, 499, 1000), 1);
  EXPECT_DOUBLE_EQ(learning_rate(s, 500, 1000), 0.1);
  EXPECT_NEAR(learning_rate(s, 750, 1000), 0.01, 1e-15);
}

TEST(Radius, WarmsUpAndFollowsItsSchedule) {
  StepPlanSettings s;
  s.radius = 0.4;
  s.radius_warmup = 1.5;
  EXPECT_EQ(radius(s, 0, 1000, 100), 0);
  EXPECT_NEAR(radius(s, 75, 1000, 100), 0.2, 1e-12);
  EXPECT_EQ(radius(s, 150, 1000, 100), 0.4);
  EXPECT_EQ(radius(s, 999, 1000, 100), 0.4);
  s.radius_warmup = 0;
  s.radius_final = 0.2;
  for (const auto schedule : {RadiusSchedule::linear, RadiusSchedule::cosine}) {
    s.radius_schedule = schedule;
    EXPECT_EQ(radius(s, 0, 1000, 100), 0.4);
    EXPECT_NEAR(radius(s, 500, 1000, 100), 0.3, 1e-12);
    EXPECT_NEAR(radius(s, 1000, 1000, 100), 0.2, 1e-12);
  }
}

TEST(SteerStrength, MovesTowardsTheTargetWithinBounds) {
  EXPECT_EQ(steer_strength(0.5, 0, 10), 0.5);
  EXPECT_EQ(steer_strength(1, 80, 80), 1);
  EXPECT_NEAR(steer_strength(1, 80, 78), 1.21, 1e-12);  // density 22 for 20
  EXPECT_EQ(steer_strength(1, 80, 10), 2);
  EXPECT_EQ(steer_strength(1, 80, 99), 0.5);
}

TEST(Sgd, ClipsWeightsAndBiasesAndScalesAroundOne) {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 6, .height = 1, .width = 1}, {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 2, .kernel = 1}, {0}});
  graph.nodes.push_back({"bn", BatchNorm{}, {1}});
  graph.nodes.push_back({"act", Activation{}, {2}});
  graph.nodes.push_back({"flat", Flatten{}, {3}});
  graph.nodes.push_back({"fc", Linear{.out_features = 1}, {4}});
  graph.nodes.push_back({"output", Output{}, {5}});
  Module module(graph, 0, torch::kCPU);
  OptimizerSettings settings;
  settings.weight_clip = 0.25;
  settings.weight_decay = 0;
  Sgd sgd(module, settings);
  for (Parameter& p : module.parameters()) {
    p.tensor.mutable_grad() = torch::full_like(p.tensor, -1e6);
  }
  sgd.step(module, 1);
  for (const Parameter& p : module.parameters()) {
    const bool step =
        p.kind == ParameterKind::activation_step || p.kind == ParameterKind::weight_step;
    const float expected = p.name == "bn.gamma" ? 1.25f : 0.25f;
    EXPECT_EQ(p.tensor.max().item<float>() == expected, !step) << p.name;
  }
}

TEST(ErrorRate, CurricularClimbsInTwentiethsOverTheFirstHalf) {
  BitErrorSettings settings;
  settings.rate = 0.02;
  EXPECT_EQ(error_rate(settings, 0, 400), 0.02);
  settings.schedule = ErrorSchedule::curricular;
  EXPECT_DOUBLE_EQ(error_rate(settings, 0, 400), 0.001);
  EXPECT_DOUBLE_EQ(error_rate(settings, 10, 400), 0.002);
  EXPECT_DOUBLE_EQ(error_rate(settings, 199, 400), 0.02);
  EXPECT_DOUBLE_EQ(error_rate(settings, 399, 400), 0.02);
}

}  // namespace
}  // namespace flatenn
