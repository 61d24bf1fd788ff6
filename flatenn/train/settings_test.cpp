#include "flatenn/train/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"

namespace flatenn {
namespace {

using ::testing::HasSubstr;

TrainSettings read(std::string_view text) {
  TrainSettings settings;
  read_config_text(text, "recipe.toml", {}, [&](Binder& b) { bind(b, settings); });
  return settings;
}

std::string complaint(const TrainSettings& settings) {
  try {
    check_settings(settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TrainSettings, SurviveWritingAndReading) {
  TrainSettings settings;
  settings.network.name = "resnet20";
  settings.network.quantizer = WeightQuantizer::robust;
  settings.network.hidden = {7, 8, 9};
  settings.network.norm = Normalization::group;
  settings.network.width = 0.25;
  settings.optimizer.schedule = LearningRateSchedule::step;
  settings.plan.metric = Metric::code_per_layer;
  settings.plan.radius = 0.1;
  settings.sparsity.strength = 3e-5;
  settings.precision = TrainPrecision::bfloat16;
  settings.float_epochs = 2;
  settings.optimizer.muon_rate = 0.03;
  settings.optimizer.step_change = 0.01;
  settings.augmentation = {4, true};
  const std::string text = write_config([&](Binder& b) { bind(b, settings); });
  TrainSettings again = read(text);
  EXPECT_EQ(write_config([&](Binder& b) { bind(b, again); }), text);
  EXPECT_EQ(again.plan.metric, Metric::code_per_layer);
  EXPECT_EQ(again.network.hidden, (std::vector<int>{7, 8, 9}));
  EXPECT_EQ(again.network.norm, Normalization::group);
  EXPECT_EQ(again.network.width, 0.25);
  EXPECT_TRUE(again.augmentation.flip);
  EXPECT_EQ(again.precision, TrainPrecision::bfloat16);
  EXPECT_EQ(again.float_epochs, 2);
  EXPECT_EQ(again.optimizer.muon_rate, 0.03);
  EXPECT_EQ(again.optimizer.step_change, 0.01);
}

TEST(TrainSettings, NoLearnedStepMayReachZeroInOneUpdate) {
  EXPECT_EQ(error_of([] { read("[optimizer]\nstep_change = 0.5\n"); }), "accepted");
  EXPECT_THAT(error_of([] { read("[optimizer]\nstep_change = 1.0\n"); }),
              HasSubstr("between 0 and 0.5"));
}

TEST(TrainSettings, RecipesAreSound) {
  for (const char* name :
       {"lenet5", "lenet5-as", "lenet5-saq", "lenet5-as-saq", "lenet5-randbet",
        "lenet5-rquant-clip-randbet", "lenet5-swa", "lenet5-as-randbet-step", "resnet20-cifar10"}) {
    TrainSettings settings;
    const std::string file = std::string(FLATENN_SOURCE_DIR "/configs/recipes/") + name + ".toml";
    read_config({file, {}, false}, [&](Binder& b) { bind(b, settings); });
    EXPECT_EQ(complaint(settings), "") << name;
    const bool saq = std::string(name).find("saq") != std::string::npos;
    EXPECT_EQ(settings.plan.kind == StepPlanKind::sharpness_aware, saq) << name;
  }
}

TEST(TrainSettings, ContradictionsAreErrors) {
  EXPECT_EQ(complaint({}), "");
  TrainSettings s;
  s.network.name = "lenet";
  EXPECT_THAT(complaint(s), HasSubstr("did you mean 'lenet5'?"));
  s = {};
  s.dataset = "fashion_mnist";
  EXPECT_THAT(complaint(s), HasSubstr("did you mean 'fashion-mnist'?"));
  s = {};
  s.network.first_weight_bits = 1;
  EXPECT_THAT(complaint(s), HasSubstr("first_weight_bits = 1"));
  s = {};
  s.network.quantizer = WeightQuantizer::saq;
  s.network.encoding = Encoding::sign_magnitude;
  EXPECT_THAT(complaint(s), HasSubstr("not sign_magnitude"));
  s = {};
  s.sparsity.target = 80;
  EXPECT_THAT(complaint(s), HasSubstr("sparsity.strength above 0"));
  s = {};
  s.plan.radius = 0.1;
  EXPECT_THAT(complaint(s), HasSubstr("sharpness_aware"));
  s = {};
  s.plan.radius_warmup = 13;
  EXPECT_THAT(complaint(s), HasSubstr("longer than the 12 quantized epochs"));
  s.float_epochs = 2;
  s.plan.radius_warmup = 11;
  EXPECT_THAT(complaint(s), HasSubstr("longer than the 10 quantized epochs"));
  s = {};
  s.float_epochs = 12;
  EXPECT_THAT(complaint(s), HasSubstr("leaves none of the 12 epochs"));
  s.float_epochs = 6;
  EXPECT_EQ(complaint(s), "");
  s.averaging = {AveragingKind::ema, 0.49, 0.99};
  EXPECT_THAT(complaint(s), HasSubstr("lies within the 6 epochs without quantization"));
  s = {};
  s.optimizer.momentum = 0;
  EXPECT_THAT(complaint(s), HasSubstr("nesterov"));
  s = {};
  s.optimizer.muon_rate = 0.03;
  EXPECT_EQ(complaint(s), "");
  s.optimizer.learning_rate = 0;
  EXPECT_THAT(complaint(s), HasSubstr("optimizer.muon_rate = 0.03"));
  s.optimizer.learning_rate = 0.05;
  s.network.name = "mlp";
  EXPECT_EQ(complaint(s), "");
  s.network.hidden = {20};
  EXPECT_THAT(complaint(s), HasSubstr("optimizer.muon_rate has no effect"));
  s = {};
  s.precision = TrainPrecision::bfloat16;
  EXPECT_EQ(complaint(s), "");
  s.device = "cuda";
  EXPECT_THAT(complaint(s),
              testing::AllOf(HasSubstr("precision = \"bfloat16\""), HasSubstr("device = \"cpu\"")));
}

TEST(TrainSettings, StepPlansThatContradictThemselvesNameBothKeys) {
  using enum StepPlanKind;
  const auto complaint_of = [](StepPlanKind kind, double radius, double rate) {
    TrainSettings s;
    s.plan.kind = kind;
    s.plan.radius = radius;
    s.plan.errors.rate = rate;
    return complaint(s);
  };
  for (const StepPlanKind kind : {random_bit_error, ascent_and_errors, worse_of_both}) {
    EXPECT_THAT(complaint_of(kind, takes_ascent(kind) ? 0.1 : 0, 0),
                testing::AllOf(HasSubstr("plan.kind"), HasSubstr("plan.errors.rate above 0")));
    EXPECT_EQ(complaint_of(kind, takes_ascent(kind) ? 0.1 : 0, 0.02), "");
  }
  EXPECT_THAT(complaint_of(plain, 0, 0.1),
              testing::AllOf(HasSubstr("plan.errors.rate = 0.1"), HasSubstr("random_bit_error")));
  EXPECT_THAT(complaint_of(sharpness_aware, 0.1, 0.1), HasSubstr("ascent_and_errors"));
  EXPECT_THAT(complaint_of(random_bit_error, 0.1, 0.1), HasSubstr("plan.radius = 0.1"));
  EXPECT_THAT(complaint_of(worse_of_both, 0, 0.1), HasSubstr("plan.radius above 0"));
  TrainSettings s;
  s.plan.layers = {"fc*"};
  EXPECT_THAT(complaint(s), HasSubstr("plan.layers has no effect"));
  s = {};
  s.plan.every = 2;
  EXPECT_THAT(complaint(s), HasSubstr("plan.every = 2 has no effect"));
  s = {};
  s.plan.errors.alternating = true;
  EXPECT_THAT(complaint(s), HasSubstr("plan.errors.alternating"));
}

TEST(TrainSettings, NormalizationAndWidthReachTheGraph) {
  TrainSettings s = read("[network]\nname = \"simplenet\"\nnorm = \"group\"\nwidth = 0.25");
  s.dataset = "synthetic";
  Dataset data;
  data.channels = 3;
  data.height = data.width = 32;
  const Graph graph = build_training_graph(s, data);
  EXPECT_EQ(std::get<GroupNorm>(graph.nodes[2].op).groups, 8);
  EXPECT_EQ(std::get<Conv2d>(graph.nodes[1].op).out_channels, 16);
  s = read("[network]\nnorm = \"batch\"");
  EXPECT_EQ(s.network.norm, Normalization::batch);
  EXPECT_THROW(read("[network]\nnorm = \"layer\""), Error);
  s = read("[network]\nnorm = \"batch\"\norder = \"activation_first\"");
  EXPECT_EQ(s.network.order, LayerOrder::activation_first);
  EXPECT_THROW(read("[network]\nwidth = 0"), Error);
  EXPECT_THROW(read("[network]\nbatch_norm = true"), Error);
}

TEST(TrainSettings, MakeTheGraph) {
  TrainSettings s;
  s.dataset = "synthetic";
  s.network.name = "mlp";
  s.network.hidden = {5};
  s.network.weight_bits = 3;
  s.network.last_weight_bits = 8;
  const Graph graph = build_training_graph(s, load_dataset("synthetic", Split::test));
  const std::vector<int> nodes = weight_nodes(graph);
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(weight_format(graph.nodes[static_cast<std::size_t>(nodes[0])]).code.bits, 3);
  EXPECT_EQ(weight_format(graph.nodes[static_cast<std::size_t>(nodes[1])]).code.bits, 8);
  const auto& input = std::get<Input>(graph.nodes[0].op);
  EXPECT_EQ(input.scale, pixel_scale("synthetic").scale);
  EXPECT_EQ(input.zero_point, pixel_scale("synthetic").zero_point);
}

}  // namespace
}  // namespace flatenn
