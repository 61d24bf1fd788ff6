#include "flatenn/train/step_plan.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"
#include "flatenn/train/bit_errors.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// The network of tests/parity/generate.py.
Graph parity_graph() {
  Graph graph;
  graph.nodes.push_back(
      {"input",
       Input{.channels = 1, .height = 6, .width = 6, .scale = 0.01f, .zero_point = 100},
       {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 3, .kernel = 3, .padding = 1}, {0}});
  graph.nodes.push_back({"act", Activation{}, {1}});
  graph.nodes.push_back({"pool", MaxPool{}, {2}});
  graph.nodes.push_back({"flat", Flatten{}, {3}});
  graph.nodes.push_back({"fc", Linear{.out_features = 4}, {4}});
  graph.nodes.push_back({"output", Output{}, {5}});
  return graph;
}

/// Starts from the baseline's parameters.
Module parity_module(const nlohmann::json& start) {
  Module module(parity_graph(), 0, torch::kCPU);
  const torch::NoGradGuard guard;
  for (Parameter& p : module.parameters()) {
    p.tensor.copy_(torch::tensor(start[p.name].get<std::vector<double>>(), torch::kFloat32)
                       .reshape(p.tensor.sizes()));
  }
  module.set_initialised(true);
  return module;
}

Batch parity_batch(const nlohmann::json& c, int step) {
  const auto pixels = c["pixels"].get<std::vector<float>>();
  const auto labels = c["labels"].get<std::vector<std::int64_t>>();
  const Tensor x = (torch::tensor(pixels).reshape({-1, 8, 1, 6, 6})[step] - 100) * 0.01f;
  return {x.permute({1, 2, 3, 0}).contiguous(), torch::tensor(labels).reshape({-1, 8})[step]};
}

StepPlanSettings plan_of(const std::string& metric) {
  StepPlanSettings settings;
  if (metric == "plain") return settings;
  settings.kind = StepPlanKind::sharpness_aware;
  settings.metric = metric == "weight"     ? Metric::weight
                    : metric == "adaptive" ? Metric::adaptive
                    : metric == "code"     ? Metric::code
                                           : Metric::code_per_layer;
  return settings;
}

nlohmann::json baselines() {
  std::ifstream file(FLATENN_SOURCE_DIR "/tests/parity/steps.json");
  return nlohmann::json::parse(file);
}

TEST(StepPlan, AgreesWithTorchOverSeveralSteps) {
  for (const nlohmann::json& c : baselines()) {
    const std::string metric = c["metric"];
    SCOPED_TRACE(metric);
    Module module = parity_module(c["start"]);
    OptimizerSettings optimizer_settings;
    optimizer_settings.weight_decay = 1e-3;
    Sgd optimizer(module, optimizer_settings);
    const auto plan = make_step_plan(plan_of(metric), module.graph(), 0);
    for (int i = 0; i < c["steps"].get<int>(); ++i) {
      const Batch batch = parity_batch(c, i);
      const StepResult result =
          plan->step(module, optimizer, {batch, {c["strength"]}, c["rate"], c["radius"]});
      EXPECT_NEAR(result.loss, c["losses"][i].get<double>(), 1e-5) << "step " << i;
    }
    for (const Parameter& p : module.parameters()) {
      const Tensor end = torch::tensor(c["end"][p.name].get<std::vector<double>>(), torch::kFloat32)
                             .reshape(p.tensor.sizes());
      EXPECT_TRUE(torch::allclose(p.tensor, end, 1e-4, 1e-5)) << p.name;
    }
  }
}

/// Parameters after three steps.
std::vector<Tensor> after_steps(const StepPlanSettings& settings, double radius,
                                double error_rate = 0) {
  const nlohmann::json c = baselines()[0];
  Module module = parity_module(c["start"]);
  Sgd optimizer(module, {});
  const auto plan = make_step_plan(settings, module.graph(), 0);
  for (int i = 0; i < 3; ++i) {
    const Batch batch = parity_batch(c, i);
    plan->step(module, optimizer, {batch, {0.01}, 0.1, radius, error_rate, i});
  }
  std::vector<Tensor> parameters;
  for (const Parameter& p : module.parameters()) parameters.push_back(p.tensor.detach());
  return parameters;
}

bool equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::ranges::equal(a, b,
                            [](const Tensor& x, const Tensor& y) { return torch::equal(x, y); });
}

StepPlanSettings with_errors(StepPlanKind kind) {
  StepPlanSettings settings;
  settings.kind = kind;
  settings.errors.start_loss = 100;
  return settings;
}

TEST(StepPlan, RadiusZeroEqualsPlainBitForBit) {
  const std::vector<Tensor> plain = after_steps({}, 0);
  for (const char* metric : {"weight", "adaptive", "code", "code_per_layer"}) {
    const std::vector<Tensor> sharpness_aware = after_steps(plan_of(metric), 0);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_TRUE(torch::equal(plain[i], sharpness_aware[i])) << metric << ", parameter " << i;
    }
  }
}

double norm(const std::vector<Tensor>& tensors) {
  double squares = 0;
  for (const Tensor& t : tensors) {
    if (t.defined()) squares += t.to(torch::kFloat64).pow(2).sum().item<double>();
  }
  return std::sqrt(squares);
}

/// A finished first pass.
struct FirstPass {
  Module module = parity_module(baselines()[0]["start"]);
  Batch batch = parity_batch(baselines()[0], 0);
  Pass pass = module.forward(batch.pixels, {});

  FirstPass() { compute_loss(pass, batch, {0.01}).total.backward(); }
  Perturbation perturbation(const StepPlanSettings& settings, double radius) const {
    const torch::NoGradGuard guard;
    return make_perturbation(module, pass, settings, radius);
  }
};

TEST(StepPlan, WeightMetricHasTheRadiusAsItsNorm) {
  const FirstPass first;
  const Perturbation p = first.perturbation(plan_of("weight"), 0.3);
  EXPECT_NEAR(std::hypot(norm(p.weights), norm(p.others)), 0.3, 1e-6);
  EXPECT_GT(norm(p.others), 0);
}

TEST(StepPlan, MembersOfTheNormAreASetting) {
  const FirstPass first;
  StepPlanSettings settings = plan_of("weight");
  settings.include_bias = settings.include_activation_step = settings.include_batch_norm = false;
  const Perturbation p = first.perturbation(settings, 0.3);
  EXPECT_EQ(norm(p.others), 0);
  EXPECT_NEAR(norm(p.weights), 0.3, 1e-6);
}

TEST(StepPlan, CodeMetricsCountInLevelSpacings) {
  const FirstPass first;
  const auto in_codes = [&](const Perturbation& p, std::size_t i) {
    return p.weights[i] / first.pass.weights[i].grid.scale;
  };
  const Perturbation global = first.perturbation(plan_of("code"), 0.05);
  EXPECT_NEAR(norm({in_codes(global, 0), in_codes(global, 1)}), 0.05 * std::sqrt(27.0 + 108), 1e-5);
  EXPECT_EQ(norm(global.others), 0);
  const Perturbation each = first.perturbation(plan_of("code_per_layer"), 0.05);
  EXPECT_NEAR(norm({in_codes(each, 0)}), 0.05 * std::sqrt(27.0), 1e-5);
  EXPECT_NEAR(norm({in_codes(each, 1)}), 0.05 * std::sqrt(108.0), 1e-5);
}

TEST(StepPlan, SecondPassMovesRunningStatisticsOnlyWhenAsked) {
  Graph graph = parity_graph();
  graph.nodes.insert(graph.nodes.begin() + 2, {"bn", BatchNorm{}, {1}});
  for (std::size_t i = 3; i < graph.nodes.size(); ++i) graph.nodes[i].inputs[0] = int(i) - 1;
  const Batch batch = parity_batch(baselines()[0], 0);
  const auto mean_after = [&](StepPlanSettings settings, bool twice) {
    settings.update_statistics_in_second_pass = twice;
    Module module(graph, 3, torch::kCPU);
    Sgd optimizer(module, {});
    make_step_plan(settings, graph, 0)->step(module, optimizer, {batch, {}, 0.1, 0.05});
    return module.buffers()[0].tensor;
  };
  const Tensor plain = mean_after({}, false);
  EXPECT_TRUE(torch::equal(mean_after(plan_of("code"), false), plain));
  EXPECT_FALSE(torch::equal(mean_after(plan_of("code"), true), plain));
}

TEST(StepPlan, WithoutErrorsRandomBitErrorIsPlainBitForBit) {
  const std::vector<Tensor> plain = after_steps({}, 0);
  StepPlanSettings settings = with_errors(StepPlanKind::random_bit_error);
  EXPECT_TRUE(equal(after_steps(settings, 0, 0), plain));
  EXPECT_FALSE(equal(after_steps(settings, 0, 0.1), plain));
  settings.errors.alternating = true;
  EXPECT_TRUE(equal(after_steps(settings, 0, 0), plain));
  settings.errors.start_loss = 0;  // no batch is that good
  EXPECT_TRUE(equal(after_steps(settings, 0, 0.1), plain));
}

/// A first step of RandBET written out: methods as in the header of BitErrorSettings.
TEST(StepPlan, RandomBitErrorFollowsItsFormula) {
  const nlohmann::json c = baselines()[0];
  const Batch batch = parity_batch(c, 0);
  StepPlanSettings settings = with_errors(StepPlanKind::random_bit_error);
  settings.errors.clean_share = 0.3;
  settings.errors.gradient_clip = 0.02;

  Module expected = parity_module(c["start"]);
  const auto gradients = [&](const std::vector<Tensor>& perturbation) {
    compute_loss(expected.forward(batch.pixels, {.perturbation = perturbation}), batch, {0.01})
        .total.backward();
    std::vector<Tensor> result;
    for (Parameter& p : expected.parameters()) result.push_back(p.tensor.grad().clone());
    expected.zero_grad();
    return result;
  };
  const std::vector<Tensor> clean = gradients({});
  const std::vector<Tensor> faulty =
      gradients(BitErrors(expected.graph(), settings.errors, 5).draw(expected, 11, 0.2));
  for (std::size_t i = 0; i < clean.size(); ++i) {
    expected.parameters()[i].tensor.mutable_grad() =
        0.3 * clean[i] + 0.7 * faulty[i].clamp(-0.02, 0.02);
  }
  Sgd(expected, {}).step(expected, 0.1);

  Module module = parity_module(c["start"]);
  Sgd optimizer(module, {});
  make_step_plan(settings, module.graph(), 5)
      ->step(module, optimizer, {batch, {0.01}, 0.1, 0, 0.2, 11});
  for (std::size_t i = 0; i < clean.size(); ++i) {
    EXPECT_TRUE(
        torch::allclose(module.parameters()[i].tensor, expected.parameters()[i].tensor, 1e-6, 1e-7))
        << module.parameters()[i].name;
  }
}

TEST(StepPlan, AscentAndErrorsWithoutErrorsIsSharpnessAware) {
  StepPlanSettings both = with_errors(StepPlanKind::ascent_and_errors);
  both.errors.clean_share = 0;
  both.errors.gradient_clip = 0;
  StepPlanSettings ascent;
  ascent.kind = StepPlanKind::sharpness_aware;
  EXPECT_TRUE(equal(after_steps(both, 0.05, 0), after_steps(ascent, 0.05)));
  EXPECT_FALSE(equal(after_steps(both, 0.05, 0.1), after_steps(ascent, 0.05)));
}

/// The loss of the last pass of one step from the baseline's start.
double perturbed_loss(const StepPlanSettings& settings, double radius, double error_rate) {
  const nlohmann::json c = baselines()[0];
  Module module = parity_module(c["start"]);
  Sgd optimizer(module, {});
  const Batch batch = parity_batch(c, 0);
  return make_step_plan(settings, module.graph(), 0)
      ->step(module, optimizer, {batch, {0.01}, 0.1, radius, error_rate, 2})
      .total_loss;
}

TEST(StepPlan, WorseOfBothTakesTheLargerLoss) {
  StepPlanSettings ascent;
  ascent.kind = StepPlanKind::sharpness_aware;
  const StepPlanSettings errors = with_errors(StepPlanKind::random_bit_error);
  const StepPlanSettings worse = with_errors(StepPlanKind::worse_of_both);
  int errors_win = 0;
  for (const double radius : {0.001, 0.01, 0.1, 1.0}) {
    const double a = perturbed_loss(ascent, radius, 0);
    const double e = perturbed_loss(errors, 0, 0.1);
    EXPECT_EQ(perturbed_loss(worse, radius, 0.1), std::max(a, e)) << radius;
    errors_win += e > a;
  }
  EXPECT_TRUE(errors_win > 0 && errors_win < 4) << errors_win;
}

TEST(StepPlan, EveryOtherStepIsPlain) {
  StepPlanSettings settings = plan_of("code");
  settings.every = 3;  // steps 1 and 2 of three are plain
  const std::vector<Tensor> some = after_steps(settings, 0.1);
  EXPECT_FALSE(equal(some, after_steps(plan_of("code"), 0.1)));
  settings.every = 1;
  EXPECT_TRUE(equal(after_steps(settings, 0.1), after_steps(plan_of("code"), 0.1)));
}

TEST(StepPlan, AscentMovesTheChosenLayersAlone) {
  const FirstPass first;
  const Perturbation all = first.perturbation(plan_of("code"), 0.05);
  ASSERT_TRUE(all.weights[0].defined());
  const torch::NoGradGuard guard;
  const Perturbation fc =
      make_perturbation(first.module, first.pass, plan_of("weight"), 0.3, {false, true});
  EXPECT_FALSE(fc.weights[0].defined());
  for (std::size_t i = 0; i < fc.others.size(); ++i) {
    const Parameter& p = first.module.parameters()[i];
    EXPECT_EQ(fc.others[i].defined(), p.node == 5 && p.kind == ParameterKind::bias) << p.name;
  }
  EXPECT_NEAR(std::hypot(norm({fc.weights[1]}), norm(fc.others)), 0.3, 1e-6);
}

/// A first pass that saves the gradients below the chosen layers leaves the same step.
TEST(StepPlan, SavedGradientsChangeNothing) {
  StepPlanSettings settings = plan_of("code");
  settings.layers = {"fc.*"};
  const nlohmann::json c = baselines()[0];
  const Batch batch = parity_batch(c, 0);
  Module expected = parity_module(c["start"]);
  const Pass pass = expected.forward(batch.pixels, {});
  compute_loss(pass, batch, {}).total.backward();
  Perturbation p;
  {
    const torch::NoGradGuard guard;
    p = make_perturbation(expected, pass, settings, 0.1, {false, true});
  }
  expected.zero_grad();
  compute_loss(expected.forward(batch.pixels, {.perturbation = p.weights}), batch, {})
      .total.backward();
  Sgd(expected, {}).step(expected, 0.1);

  Module module = parity_module(c["start"]);
  Sgd optimizer(module, {});
  make_step_plan(settings, module.graph(), 0)->step(module, optimizer, {batch, {}, 0.1, 0.1});
  for (std::size_t i = 0; i < module.parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(module.parameters()[i].tensor, expected.parameters()[i].tensor))
        << module.parameters()[i].name;
  }
}

TEST(StepPlan, AlternatingKeepsTheRangeOfEachWeightTensor) {
  StepPlanSettings settings = with_errors(StepPlanKind::random_bit_error);
  settings.errors.alternating = true;
  settings.errors.gradient_clip = 0;
  const nlohmann::json c = baselines()[0];
  const Batch batch = parity_batch(c, 0);
  const auto run = [&](double error_rate) {
    Module module = parity_module(c["start"]);
    Sgd optimizer(module, {});
    make_step_plan(settings, module.graph(), 0)
        ->step(module, optimizer, {batch, {0.01}, 0.5, 0, error_rate, 0});
    return module.find(5, ParameterKind::weight).detach();
  };
  const Tensor clean = run(0);
  const Tensor both = run(0.3);
  EXPECT_FALSE(torch::equal(both, clean));
  EXPECT_GE(both.min().item<float>(), clean.min().item<float>());
  EXPECT_LE(both.max().item<float>(), clean.max().item<float>());
}

TEST(StepPlan, LayersThatAreNotThereAreErrors) {
  StepPlanSettings settings = plan_of("code");
  settings.layers = {"conv9*"};
  EXPECT_THROW(make_step_plan(settings, parity_graph(), 0), Error);
  settings.layers = {"fc*:top"};
  EXPECT_THROW(make_step_plan(settings, parity_graph(), 0), Error);
}

}  // namespace
}  // namespace flatenn
