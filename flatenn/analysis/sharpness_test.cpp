#include "flatenn/analysis/sharpness.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/analysis/testing.h"

namespace flatenn {
namespace {

TEST(Sharpness, OneStepInEachMetricIsTorchs) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  const auto gradients = network.gradient({}, default_context());
  const LossPoint here = network.evaluate({}, default_context());
  for (const auto& [metric, radius] :
       {std::pair{Metric::weight, 0.1}, {Metric::adaptive, 0.5}, {Metric::code, 0.02}}) {
    const Sharpness s =
        measure_sharpness(network, gradients, here, metric, radius, default_context());
    EXPECT_EQ(s.radius, radius);
    EXPECT_NEAR(s.rise, c.expected["sharpness"][s.metric].get<double>(), 1e-10) << s.metric;
    EXPECT_NEAR(s.distance, c.expected["distance"][s.metric].get<double>(), 1e-10) << s.metric;
  }
}

TEST(Flatness, AverageIsOverTheSpheresAndKeyed) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  const LossPoint here = network.evaluate({}, default_context());
  const FlatnessOptions options{.draws = 6, .restarts = 0};
  const Flatness one = measure_flatness(network, here, options, default_context());
  EXPECT_EQ(one.average.n, 6u);
  EXPECT_GT(one.average.sd, 0);
  EXPECT_EQ(one.average.mean,
            measure_flatness(network, here, options, default_context()).average.mean);
  FlatnessOptions other = options;
  other.seed = 1;
  EXPECT_NE(one.average.mean,
            measure_flatness(network, here, other, default_context()).average.mean);
  // No radius, no rise.
  FlatnessOptions none = options;
  none.average_radius = 0;
  EXPECT_EQ(measure_flatness(network, here, none, default_context()).average.mean, 0);
}

TEST(Flatness, AscentFindsMoreThanChance) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  const LossPoint here = network.evaluate({}, default_context());
  const double radius = 0.02;
  const Flatness worst = measure_flatness(
      network, here, {.average_radius = radius, .draws = 20, .worst_radius = radius, .restarts = 2},
      default_context());
  EXPECT_GT(worst.worst, worst.average.mean + 2 * worst.average.sd);
  // More starts never find less.
  const Flatness fewer = measure_flatness(
      network, here, {.average_radius = radius, .draws = 0, .worst_radius = radius, .restarts = 1},
      default_context());
  EXPECT_LE(fewer.worst, worst.worst);
}

TEST(Flatness, LargerBallsHoldWorse) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  const LossPoint here = network.evaluate({}, default_context());
  double last = 0;
  for (const double radius : {0.005, 0.02, 0.08}) {
    const Flatness f = measure_flatness(
        network, here, {.draws = 0, .worst_radius = radius, .restarts = 2}, default_context());
    EXPECT_EQ(f.worst_radius, radius);
    EXPECT_GT(f.worst, 1.5 * last);
    last = f.worst;
  }
}

}  // namespace
}  // namespace flatenn
