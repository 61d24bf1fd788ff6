#include "flatenn/analysis/analyze.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "flatenn/analysis/float_network.h"
#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/stats/rank_correlation.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

AnalysisSettings small() {
  AnalysisSettings settings;
  settings.images = 60;
  settings.lines = 2;
  settings.line_points = 5;
  settings.plane_points = 3;
  settings.draws = 3;
  settings.restarts = 1;
  settings.steps = 3;
  settings.curvature_images = 40;
  settings.eigenvalues = 1;
  settings.trace_samples = 3;
  settings.threads = 1;
  return settings;
}

class AnalyzeTest : public testing::Test {
 protected:
  AnalyzeTest() : model_(train(settings_, data_, folder_.path())) {}
  AnalysisInput input() const { return {"small", model_, data_.test, "test"}; }

  TrainSettings settings_ = testing_train::small_settings();
  TrainData data_ = load_train_data(settings_);
  TemporaryFolder folder_;
  Model model_;
};

TEST_F(AnalyzeTest, HoldsWhatWasAskedFor) {
  const Analysis a = analyze(small(), input()).analysis;
  EXPECT_EQ(a.label, "small");
  EXPECT_EQ(a.model_hash, model_hash(model_));
  EXPECT_EQ(a.images, 60u);
  EXPECT_EQ(a.curvature_images, 40u);
  EXPECT_EQ(a.landscape.lines.size(), 2u);
  EXPECT_EQ(a.landscape.plane.size(), 9u);
  EXPECT_EQ(a.landscape.plane[4], a.here);
  EXPECT_EQ(a.sharpness.size(), 3u);
  EXPECT_EQ(a.curvature.eigenvalues.size(), 1u);
  EXPECT_EQ(a.bits.size(), 8u);  // two layers of four bits
  EXPECT_EQ(a.sparsity.size(), 1u);
  EXPECT_EQ(a.distances.size(), 2u);
  double squares = 0, codes = 0;
  for (const WeightTensor& tensor : model_.weights) {
    for (const std::int8_t code : tensor.codes) squares += code * code, ++codes;
  }
  EXPECT_DOUBLE_EQ(mean_square_code(a.histograms), squares / codes);
  // The accuracy without faults is the integer network's.
  const Dataset images = data_.test.slice(0, 60);
  EXPECT_EQ(a.here.accuracy, accuracy(*make_evaluator(Engine::int8, model_, images), images));
}

TEST_F(AnalyzeTest, SaysWhatBitSensitivityTook) {
  const SensitivityCost cost = analyze(small(), input()).cost;
  EXPECT_GT(cost.gradient, 0);
  EXPECT_GE(cost.first_order, cost.gradient);
  // A product differentiates twice, in double precision: more than a pass each.
  EXPECT_GT(cost.second_order, cost.subset_gradient);
  EXPECT_GT(cost.subset_gradient, 0);
  AnalysisSettings settings = small();
  settings.trace_samples = 0;
  EXPECT_EQ(analyze(settings, input()).cost.second_order, 0);
}

TEST_F(AnalyzeTest, DoesNotDependOnThreads) {
  AnalysisSettings two = small();
  two.threads = 2;
  EXPECT_EQ(analysis_json(analyze(small(), input()).analysis).dump(),
            analysis_json(analyze(two, input()).analysis).dump());
}

TEST_F(AnalyzeTest, LessCanBeAskedFor) {
  AnalysisSettings settings = small();
  settings.lines = settings.plane_points = settings.draws = settings.restarts = 0;
  settings.eigenvalues = settings.trace_samples = 0;
  settings.weight_radius = settings.adaptive_radius = 0;
  const Analysis a = analyze(settings, input()).analysis;
  EXPECT_TRUE(a.landscape.lines.empty());
  EXPECT_EQ(a.sharpness.size(), 1u);
  EXPECT_EQ(a.flatness.average.n, 0u);
  EXPECT_TRUE(a.curvature.eigenvalues.empty());
  EXPECT_EQ(a.bits[0].kinds[0].second, 0);  // no diagonal, first order alone
  EXPECT_EQ(analysis_json(parse_analysis(analysis_json(a).dump(), "a")).dump(),
            analysis_json(a).dump());
}

TEST_F(AnalyzeTest, DerivativesAreThoseOfTheBits) {
  const AnalysisResult result = analyze(small(), input());
  const auto bits = bit_sensitivities(model_, result.derivatives);
  ASSERT_EQ(bits.size(), result.analysis.bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) {
    EXPECT_EQ(bits[i].kinds[0].first, result.analysis.bits[i].kinds[0].first);
    EXPECT_EQ(bits[i].kinds[0].second, result.analysis.bits[i].kinds[0].second);
  }
  EXPECT_EQ(result.derivatives[0].second.size(), model_.weights[0].codes.size());
}

TEST_F(AnalyzeTest, MistakesAreNamed) {
  AnalysisSettings settings = small();
  settings.images = 1'000'000;
  EXPECT_THAT([&] { analyze(settings, input()); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("images: 1000000 asked")));
  Dataset other = data_.test.slice(0, 60);
  other.height = other.height * 2;
  other.width = other.width / 2;
  EXPECT_THAT(
      [&] {
        analyze(small(), AnalysisInput{"small", model_, other, "test"});
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("reads 1x12x12 images")));
}

/// A network small enough to try every bit.
struct Exhaustive {
  std::vector<double> predicted, measured;
  std::vector<int> bits;
};

/// Loss rise of every single flipped bit, by derivatives and by evaluation.
Exhaustive try_every_bit(int weight_bits, int activation_bits) {
  TrainSettings settings = testing_train::small_settings();
  settings.plan = {};
  settings.network.hidden = {8};
  settings.network.weight_bits = weight_bits;
  settings.network.activation_bits = activation_bits;
  settings.sparsity = {};
  const TemporaryFolder folder;
  const TrainData data = load_train_data(settings);
  const Model model = train(settings, data, folder.path());
  const FloatNetwork network(model, data.train, Precision::double_);
  const Context context = default_context();
  const std::vector<torch::Tensor> gradients = network.gradient({}, context);
  std::vector<WeightDerivatives> derivatives;
  for (const torch::Tensor& gradient : gradients) {
    const torch::Tensor flat = gradient.to(torch::kFloat32).contiguous().view(-1);
    derivatives.push_back({{flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}, {}});
  }
  const double here = network.evaluate({}, context).loss;
  Displacement d;
  for (const torch::Tensor& w : network.weights()) d.push_back(torch::zeros_like(w));
  Exhaustive result;
  visit_bits(model, derivatives, [&](const BitEffect& effect) {
    torch::Tensor cell = d[static_cast<std::size_t>(effect.tensor)].view(
        -1)[static_cast<std::int64_t>(effect.element)];
    cell.fill_(effect.change);
    result.measured.push_back(network.evaluate(d, context).loss - here);
    cell.zero_();
    result.predicted.push_back(effect.first);
    result.bits.push_back(effect.bit);
  });
  return result;
}

TEST(SlowBitSensitivity, RanksEveryBitOfASmallNetwork) {
  const Exhaustive all = try_every_bit(4, 8);
  const double r = spearman(all.predicted, all.measured);
  EXPECT_GE(r, 0.8);
}

/// Least significant bits move weights so little that the first order is all there is: measured
/// rises scatter around the predicted ones, as activations round or not, with a slope of one.
TEST(SlowBitSensitivity, LeastSignificantBitsRiseAsPredicted) {
  const Exhaustive all = try_every_bit(8, 8);
  double product = 0, squares = 0;
  for (std::size_t i = 0; i < all.bits.size(); ++i) {
    if (all.bits[i] != 0) continue;
    product += all.predicted[i] * all.measured[i];
    squares += all.predicted[i] * all.predicted[i];
  }
  EXPECT_NEAR(product / squares, 1, 0.1);
}

}  // namespace
}  // namespace flatenn
