#include "flatenn/analysis/curvature.h"

#include <torch/types.h>

#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/base/thread_time.h"

namespace flatenn {
namespace {

using torch::Tensor;
using Vector = std::vector<Tensor>;

constexpr std::int64_t kMostForDoubleBackward = 1'000'000;
constexpr double kDifferenceStep = 1e-3;
constexpr double kTiny = 1e-30;
/// Random streams of the two uses, below the index of a draw.
constexpr std::uint64_t kStartStream = std::uint64_t{1} << 22,
                        kSampleStream = std::uint64_t{1} << 23;

template <class Draw>
Vector draw_vector(const Vector& like, std::uint64_t seed, std::uint64_t index, Draw draw) {
  Vector v;
  for (const Tensor& shape : like) {
    RandomStream stream(seed, Purpose::direction, index, v.size());
    Tensor values = torch::empty(shape.sizes(), torch::kFloat64);
    double* target = values.data_ptr<double>();
    for (std::int64_t i = 0; i < values.numel(); ++i) target[i] = draw(stream);
    v.push_back(values.to(shape.scalar_type()));
  }
  return v;
}

void normalise(Vector& v) {
  const double length = norm(v);
  for (Tensor& tensor : v) tensor.mul_(1 / (length + kTiny));
}

/// Differences of gradients along v; the step is in weights, whatever the length of v.
Vector difference_product(const FloatNetwork& network, const Vector& v,
                          const CurvatureOptions& options, const Context& context) {
  const double r = kDifferenceStep * network.weight_norm() / (norm(v) + kTiny);
  Vector ahead = network.gradient(scaled(v, r), context, options.images);
  const Vector behind = network.gradient(scaled(v, -r), context, options.images);
  add_scaled(ahead, -1, behind);
  return scaled(ahead, 1 / (2 * r));
}

bool takes_double_backward(const Model& model, CurvatureMethod method) {
  if (method != CurvatureMethod::automatic) return method == CurvatureMethod::double_backward;
  return model.weight_count() <= kMostForDoubleBackward;
}

}  // namespace

void find_eigenvalues(const HessianProduct& product, const Vector& like,
                      const CurvatureOptions& options, const Context& context,
                      Curvature& curvature) {
  std::vector<Vector> found;
  for (int k = 0; k < options.eigenvalues; ++k) {
    Vector v = draw_vector(like, options.seed, kStartStream + static_cast<std::uint64_t>(k),
                           [](RandomStream& stream) { return stream.normal(); });
    double eigenvalue = 0, residual = 0;
    for (int i = 0; i < options.iterations; ++i) {
      for (const Vector& other : found) add_scaled(v, -dot(v, other), other);
      normalise(v);
      Vector next = product(v);
      const double last = eigenvalue;
      eigenvalue = dot(v, next);
      Vector rest = scaled(next, 1);
      add_scaled(rest, -eigenvalue, v);
      residual = norm(rest) / (std::abs(eigenvalue) + kTiny);
      context.events->progress({"curvature", "eigenvalues", 1.0 * k, 1.0 * options.eigenvalues,
                                fmt::format("step {}: {:.4g}", i + 1, eigenvalue)});
      if (i > 0 && std::abs(eigenvalue - last) <= options.tolerance * std::abs(eigenvalue)) break;
      if (i + 1 < options.iterations) v = std::move(next);
    }
    curvature.eigenvalues.push_back(eigenvalue);
    curvature.residuals.push_back(residual);
    normalise(v);
    found.push_back(std::move(v));
  }
}

std::vector<Tensor> estimate_trace(const HessianProduct& product, const Vector& like,
                                   const CurvatureOptions& options, const Context& context,
                                   Curvature& curvature) {
  Vector diagonal;
  for (const Tensor& tensor : like) diagonal.push_back(torch::zeros_like(tensor));
  Accumulator traces;
  for (int i = 0; i < options.samples; ++i) {
    const Vector v =
        draw_vector(like, options.seed, kSampleStream + static_cast<std::uint64_t>(i),
                    [](RandomStream& stream) { return (stream() & 1) != 0 ? 1.0 : -1.0; });
    const Vector hv = product(v);
    traces.add(dot(v, hv));
    for (std::size_t t = 0; t < diagonal.size(); ++t) diagonal[t].add_(v[t] * hv[t]);
    context.events->progress(
        {"curvature", "samples of the trace", i + 1.0, 1.0 * options.samples, {}});
  }
  if (options.samples == 0) return diagonal;
  curvature.trace = t_interval(traces);
  for (Tensor& tensor : diagonal) tensor.div_(options.samples);
  return diagonal;
}

CurvatureResult measure_curvature(const Model& model, const Dataset& images,
                                  const CurvatureOptions& options, const Context& context) {
  const bool exact = takes_double_backward(model, options.method);
  const FloatNetwork network(model, images, exact ? Precision::double_ : Precision::single_);
  const HessianProduct product = [&](const Vector& v) {
    return exact ? network.hessian_times(v, context, options.images)
                 : difference_product(network, v, options, context);
  };
  CurvatureResult result;
  result.curvature.method = exact ? "double backward" : "differences of gradients";
  result.curvature.weight_norm = network.weight_norm();
  find_eigenvalues(product, network.weights(), options, context, result.curvature);
  const double start = thread_seconds();
  result.diagonal = estimate_trace(product, network.weights(), options, context, result.curvature);
  result.trace_seconds = thread_seconds() - start;
  context.events->finished("curvature");
  return result;
}

}  // namespace flatenn
