#include "flatenn/analysis/landscape.h"

#include <torch/types.h>

#include <atomic>
#include <functional>

#include "flatenn/base/error.h"
#include "flatenn/base/jobs.h"
#include "flatenn/base/random.h"
#include "flatenn/train/process.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Keeps an empty direction from dividing by zero, as the authors' code does.
constexpr double kTiny = 1e-10;

/// A point to measure, and where its result goes.
struct Point {
  const std::vector<Tensor>* first = nullptr;
  const std::vector<Tensor>* second = nullptr;
  double x = 0, y = 0;
  LossPoint* result = nullptr;
};

Displacement displacement(const Point& point) {
  Displacement d = scaled(*point.first, point.x);
  if (point.second != nullptr) add_scaled(d, point.y, *point.second);
  return d;
}

void measure(const FloatNetwork& network, const std::vector<Point>& points, int threads,
             const Context& context) {
  std::atomic<std::size_t> done{0};
  std::vector<std::function<void(const Context&)>> jobs;
  for (const Point& point : points) {
    jobs.push_back([&](const Context& inner) {
      prepare_process(1);
      const torch::NoGradGuard guard;
      *point.result = network.evaluate(displacement(point), inner);
      inner.events->progress({"landscape",
                              "points",
                              static_cast<double>(++done),
                              static_cast<double>(points.size()),
                              {}});
    });
  }
  run_jobs(jobs, threads, context);
  context.events->finished("landscape");
}

}  // namespace

std::vector<Tensor> filter_normalised_direction(const std::vector<Tensor>& weights,
                                                std::uint64_t seed, std::uint64_t index) {
  std::vector<Tensor> direction;
  for (const Tensor& w : weights) {
    RandomStream stream(seed, Purpose::direction, index, direction.size());
    Tensor d = torch::empty(w.sizes(), torch::kFloat64);
    double* values = d.data_ptr<double>();
    for (std::int64_t i = 0; i < d.numel(); ++i) values[i] = stream.normal();
    const Tensor rows = d.view({d.size(0), -1});
    const Tensor target = w.to(torch::kFloat64).reshape({w.size(0), -1}).norm(2, 1, true);
    rows.mul_(target / (rows.norm(2, 1, true) + kTiny));
    direction.push_back(d.to(w.scalar_type()));
  }
  return direction;
}

std::vector<double> landscape_positions(int n, double extent) {
  FLATENN_ASSERT(n >= 1 && n % 2 == 1);
  std::vector<double> positions;
  const int half = n / 2;
  for (int i = -half; i <= half; ++i) positions.push_back(half == 0 ? 0 : extent * i / half);
  return positions;
}

Landscape measure_landscape(const FloatNetwork& network, const LandscapeOptions& options,
                            const Context& context) {
  Landscape landscape;
  std::vector<std::vector<Tensor>> directions;
  const int needed = std::max(options.lines, options.plane_points > 0 ? 2 : 0);
  for (int i = 0; i < needed; ++i) {
    directions.push_back(filter_normalised_direction(network.weights(), options.seed,
                                                     static_cast<std::uint64_t>(i)));
  }
  std::vector<Point> points;
  if (options.lines > 0) {
    landscape.line_positions = landscape_positions(options.line_points, options.extent);
  }
  landscape.lines.resize(static_cast<std::size_t>(options.lines));
  for (std::size_t i = 0; i < landscape.lines.size(); ++i) {
    landscape.lines[i].resize(landscape.line_positions.size());
    for (std::size_t k = 0; k < landscape.line_positions.size(); ++k) {
      points.push_back(
          {&directions[i], nullptr, landscape.line_positions[k], 0, &landscape.lines[i][k]});
    }
  }
  if (options.plane_points > 0) {
    const std::vector<double> side = landscape_positions(options.plane_points, options.extent);
    landscape.plane_positions = side;
    landscape.plane.resize(side.size() * side.size());
    for (std::size_t k = 0; k < landscape.plane.size(); ++k) {
      points.push_back({&directions[0], &directions[1], side[k % side.size()],
                        side[k / side.size()], &landscape.plane[k]});
    }
  }
  measure(network, points, options.threads, context);
  return landscape;
}

}  // namespace flatenn
