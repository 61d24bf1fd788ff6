#include "flatenn/analysis/landscape.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/analysis/testing.h"
#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using torch::Tensor;

TEST(Landscape, FiltersOfADirectionAreAsLongAsTheWeights) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  const auto direction = filter_normalised_direction(network.weights(), 1, 0);
  for (std::size_t t = 0; t < direction.size(); ++t) {
    const Tensor w = network.weights()[t].flatten(1), d = direction[t].flatten(1);
    for (std::int64_t i = 0; i < w.size(0); ++i) {
      EXPECT_NEAR(d[i].norm().item<double>(), w[i].norm().item<double>(), 1e-8);
    }
  }
  // As python3-torch normalises: the same draws give the same direction.
  const Tensor draws = c.tensors("vector")[0].flatten(1);
  const Tensor expected = c.tensors("direction")[0].flatten(1);
  const Tensor w = network.weights()[0].flatten(1);
  EXPECT_TRUE(
      torch::allclose(draws * (w.norm(2, 1, true) / draws.norm(2, 1, true)), expected, 1e-9, 1e-9));
}

TEST(Landscape, DirectionsAreKeyed) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  const auto one = filter_normalised_direction(network.weights(), 1, 0);
  EXPECT_TRUE(one[0].equal(filter_normalised_direction(network.weights(), 1, 0)[0]));
  EXPECT_FALSE(one[0].equal(filter_normalised_direction(network.weights(), 1, 1)[0]));
  EXPECT_FALSE(one[0].equal(filter_normalised_direction(network.weights(), 2, 0)[0]));
}

TEST(Landscape, AFilterOfZerosDoesNotMove) {
  const std::vector<Tensor> weights{torch::tensor({{0.0, 0.0}, {3.0, 4.0}})};
  const auto direction = filter_normalised_direction(weights, 0, 0);
  EXPECT_EQ(direction[0][0].norm().item<double>(), 0);
  EXPECT_NEAR(direction[0][1].norm().item<double>(), 5, 1e-5);
}

TEST(Landscape, PositionsHoldTheNetworkItself) {
  const std::vector<double> positions = landscape_positions(5, 0.3);
  EXPECT_EQ(positions.size(), 5u);
  EXPECT_EQ(positions.front(), -0.3);
  EXPECT_EQ(positions[2], 0);
  EXPECT_EQ(positions.back(), 0.3);
  EXPECT_EQ(landscape_positions(1, 1), std::vector<double>{0});
}

TEST(Landscape, LossesAreTorchs) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::double_);
  const auto first = c.tensors("direction"), second = c.tensors("second_direction");
  const auto side = c.expected["side"].get<std::vector<double>>();
  for (std::size_t y = 0; y < side.size(); ++y) {
    for (std::size_t x = 0; x < side.size(); ++x) {
      Displacement d = scaled(first, side[x]);
      add_scaled(d, side[y], second);
      EXPECT_NEAR(network.evaluate(d, default_context()).loss,
                  c.expected["plane"][y * side.size() + x].get<double>(), 1e-12);
    }
  }
}

TEST(Landscape, LinesAndPlaneAreTheLossAtTheirPoints) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  const LandscapeOptions options{.seed = 4, .lines = 2, .line_points = 3, .plane_points = 3};
  const Landscape one = measure_landscape(network, options, default_context());
  LandscapeOptions two_threads = options;
  two_threads.threads = 2;
  const Landscape two = measure_landscape(network, two_threads, default_context());
  EXPECT_EQ(one.lines, two.lines);
  EXPECT_EQ(one.plane, two.plane);

  const auto d0 = filter_normalised_direction(network.weights(), 4, 0);
  const auto d1 = filter_normalised_direction(network.weights(), 4, 1);
  const LossPoint here = network.evaluate({}, default_context());
  EXPECT_EQ(one.lines[0][1], here);
  EXPECT_EQ(one.plane[4], here);
  EXPECT_EQ(one.lines[1][0], network.evaluate(scaled(d1, -1), default_context()));
  Displacement corner = scaled(d0, 1);
  add_scaled(corner, -1, d1);
  EXPECT_EQ(one.plane[2], network.evaluate(corner, default_context()));  // x = 1, y = -1
}

TEST(Landscape, NothingAskedNothingMeasured) {
  const ParityCase c;
  const FloatNetwork network(c.model, c.images, Precision::single_);
  const Landscape none =
      measure_landscape(network, {.lines = 0, .plane_points = 0}, default_context());
  EXPECT_TRUE(none.line_positions.empty());
  EXPECT_TRUE(none.lines.empty());
  EXPECT_TRUE(none.plane.empty());
}

}  // namespace
}  // namespace flatenn
