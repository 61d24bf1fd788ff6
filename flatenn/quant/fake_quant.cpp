#include "flatenn/quant/fake_quant.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/simd.h"

namespace flatenn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// Adding and taking away 1.5 * 2^23 rounds small floats half to even, in vector form too.
constexpr float kRound = 12582912.0f;
/// Sums run in this many lanes, so that they vectorise and give the same bits everywhere.
constexpr std::int64_t kLanes = 16;
/// Lanes are emptied into a double after this many rounds.
constexpr std::int64_t kRounds = 256;

bool has_kernel(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat32; }

/// A clamp range in codes and the step between them.
struct Range {
  float lowest, highest, scale, inverse;
};

// ---- Kernels. Each works on one block of at most kLanes * kRounds elements. --------------------

struct WeightKernel {
  float lowest, highest, scale, offset, center, spread;
  bool straight;  ///< every master counts as inside the range
};

FLATENN_SIMD void weights_forward(const WeightKernel& k, const float* w, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = ((w[i] - k.center) / k.spread - k.offset) / k.scale;
    const float above = level > k.lowest ? level : k.lowest;
    const float code = (above < k.highest ? above : k.highest) + kRound - kRound;
    y[i] = k.scale * code + k.offset;
  }
}

/// Adds to lanes[]: d loss / d scale. Level and code differ by the rounding inside the range; a
/// clamped value moves with the whole level.
FLATENN_SIMD void weights_backward(const WeightKernel& k, const float* w, const float* g, float* gw,
                                   float* lanes, std::int64_t rounds) {
  const float half = k.offset / k.scale;
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float level = ((w[i] - k.center) / k.spread - k.offset) / k.scale;
      const float above = level > k.lowest ? level : k.lowest;
      const float clamped = above < k.highest ? above : k.highest;
      const float code = clamped + kRound - kRound;
      const bool inside = clamped == level || k.straight;
      gw[i] = inside ? g[i] / k.spread : 0.0f;
      lanes[j] += g[i] * (inside ? code - level : code + half);
    }
  }
}

/// Adds to sums[]: positive parts; to zeros[]: zero codes.
FLATENN_SIMD void relu_forward(const Range& k, const float* x, float* y, float* sums,
                               std::int32_t* zeros, std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float positive = x[i] <= 0.0f ? 0.0f : x[i];  // keeps NaN
      const float level = positive * k.inverse;
      const float code = (level < k.highest ? level : k.highest) + kRound - kRound;
      y[i] = code * k.scale;
      sums[j] += positive;
      zeros[j] += code == 0.0f ? 1 : 0;
    }
  }
}

FLATENN_SIMD void relu_backward(const Range& k, float sum_gradient, const float* x, const float* g,
                                float* gx, float* lanes, std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float positive = x[i] <= 0.0f ? 0.0f : x[i];  // keeps NaN
      const float level = positive * k.inverse;
      const float clamped = level < k.highest ? level : k.highest;
      const float code = clamped + kRound - kRound;
      const float through = level <= k.highest ? g[i] : 0.0f;
      gx[i] = x[i] > 0.0f ? through + sum_gradient : 0.0f;
      lanes[j] += g[i] * (level <= k.highest ? code - level : code);
    }
  }
}

FLATENN_SIMD void signed_forward(const Range& k, const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = x[i] * k.inverse;
    const float above = level > k.lowest ? level : k.lowest;
    y[i] = ((above < k.highest ? above : k.highest) + kRound - kRound) * k.scale;
  }
}

FLATENN_SIMD void signed_backward(const Range& k, const float* x, const float* g, float* gx,
                                  float* lanes, std::int64_t rounds) {
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const std::int64_t i = r * kLanes + j;
      const float level = x[i] * k.inverse;
      const float above = level > k.lowest ? level : k.lowest;
      const float clamped = above < k.highest ? above : k.highest;
      const float code = clamped + kRound - kRound;
      const bool inside = clamped == level;
      gx[i] = inside ? g[i] : 0.0f;
      lanes[j] += g[i] * (inside ? code - level : code);
    }
  }
}

/// Runs body(first element, rounds, in-place arrays or padded copies) over n elements and leaves
/// the rest, fewer than kLanes, to `tail(first, count)`.
template <class Body, class Tail>
void for_blocks(std::int64_t n, const Body& body, const Tail& tail) {
  std::int64_t i = 0;
  while (n - i >= kLanes) {
    const std::int64_t rounds = std::min(kRounds, (n - i) / kLanes);
    body(i, rounds);
    i += rounds * kLanes;
  }
  if (i < n) tail(i, n - i);
}

double add_lanes(std::array<float, kLanes>& lanes) {
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  lanes.fill(0);
  return sum;
}

/// A gradient kernel over n elements: kernel(inputs x, g, output gx, lanes, rounds). The tail runs
/// on copies padded with zeros, whose gradient is zero. Returns the sum of the lanes.
template <class Kernel>
double run_backward(const Kernel& kernel, const float* x, const float* g, float* gx,
                    std::int64_t n) {
  std::array<float, kLanes> lanes{};
  double sum = 0;
  for_blocks(
      n,
      [&](std::int64_t i, std::int64_t rounds) {
        kernel(x + i, g + i, gx + i, lanes.data(), rounds);
        sum += add_lanes(lanes);
      },
      [&](std::int64_t i, std::int64_t count) {
        std::array<float, kLanes> xs{}, gs{}, out{};
        std::copy_n(x + i, count, xs.data());
        std::copy_n(g + i, count, gs.data());
        kernel(xs.data(), gs.data(), out.data(), lanes.data(), 1);
        std::copy_n(out.data(), count, gx + i);
        sum += add_lanes(lanes);
      });
  return sum;
}

// ---- Weights -----------------------------------------------------------------------------------

WeightKernel weight_kernel(const WeightGrid& grid, const WeightFormat& format) {
  return {static_cast<float>(format.code.min_code()),
          static_cast<float>(format.code.max_code()),
          grid.scale,
          grid.offset,
          grid.center,
          grid.spread,
          format.quantizer == WeightQuantizer::robust};
}

/// d scale / d |step|, with LSQ's gradient scale.
double step_slope(const Tensor& masters, const WeightFormat& format) {
  switch (format.quantizer) {
    case WeightQuantizer::lsq:
      return 1 / std::sqrt(static_cast<double>(masters.numel()) * format.code.max_code());
    case WeightQuantizer::saq:
      return 2.0 / ((1 << format.code.bits) - 1);
    case WeightQuantizer::robust:
      return 0;
  }
  return 0;
}

double sign(double x) { return x < 0 ? -1 : 1; }

struct FakeQuantizeWeights : Function<FakeQuantizeWeights> {
  static Tensor forward(AutogradContext* context, const Tensor& masters, const Tensor& step,
                        WeightKernel kernel, double slope) {
    const Tensor w = masters.contiguous();
    context->save_for_backward({w});
    context->saved_data["kernel"] = std::vector<double>{kernel.lowest,
                                                        kernel.highest,
                                                        kernel.scale,
                                                        kernel.offset,
                                                        kernel.center,
                                                        kernel.spread,
                                                        kernel.straight ? 1.0 : 0.0,
                                                        slope * sign(step.item<double>())};
    Tensor values = torch::empty_like(w);
    weights_forward(kernel, w.data_ptr<float>(), values.data_ptr<float>(), w.numel());
    return values;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor w = context->get_saved_variables()[0];
    const std::vector<double> k = context->saved_data["kernel"].toDoubleVector();
    const auto f = [&](int i) { return static_cast<float>(k[static_cast<std::size_t>(i)]); };
    const WeightKernel kernel{f(0), f(1), f(2), f(3), f(4), f(5), k[6] != 0};
    const Tensor g = gradients[0].contiguous();
    Tensor gw = torch::empty_like(w);
    const double sum = run_backward(
        [&](const float* x, const float* gs, float* gx, float* lanes, std::int64_t rounds) {
          weights_backward(kernel, x, gs, gx, lanes, rounds);
        },
        w.data_ptr<float>(), g.data_ptr<float>(), gw.data_ptr<float>(), w.numel());
    return {gw, torch::scalar_tensor(sum * k[7], w.options()), {}, {}};
  }
};

/// x with the slope of `like` times `slope`: same value as the constant x.
Tensor with_gradient(double x, const Tensor& like, double slope) {
  const Tensor moving = like * slope;
  return x + (moving - moving.detach());
}

Tensor round_straight(const Tensor& x) { return x + (x.round() - x).detach(); }

// ---- Activations -------------------------------------------------------------------------------

float checked_step(const Tensor& step) {
  const float value = step.item<float>();
  if (!std::isfinite(value)) fail("an activation step is {}: training diverged", value);
  return std::max(std::abs(value), std::numeric_limits<float>::min());
}

Range make_range(float step, int lowest, int highest) {
  return {static_cast<float>(lowest), static_cast<float>(highest), step, 1.0f / step};
}

struct Totals {
  double sum = 0;
  std::int64_t zeros = 0;
};

Totals run_relu(const Range& range, const float* x, float* y, std::int64_t n) {
  std::array<float, kLanes> sums{};
  std::array<std::int32_t, kLanes> zeros{};
  Totals totals;
  for_blocks(
      n,
      [&](std::int64_t i, std::int64_t rounds) {
        relu_forward(range, x + i, y + i, sums.data(), zeros.data(), rounds);
        totals.sum += add_lanes(sums);
      },
      [&](std::int64_t i, std::int64_t count) {
        std::array<float, kLanes> xs{}, ys{};
        std::copy_n(x + i, count, xs.data());
        relu_forward(range, xs.data(), ys.data(), sums.data(), zeros.data(), 1);
        std::copy_n(ys.data(), count, y + i);
        totals.sum += add_lanes(sums);
        totals.zeros -= kLanes - count;  // the padding
      });
  for (const std::int32_t lane : zeros) totals.zeros += lane;
  return totals;
}

struct FakeQuantizeRelu : Function<FakeQuantizeRelu> {
  static variable_list forward(AutogradContext* context, const Tensor& input, const Tensor& step,
                               Range range, double slope, std::int64_t* zeros) {
    const Tensor x = input.contiguous();
    context->save_for_backward({x});
    context->set_materialize_grads(false);
    context->saved_data["range"] =
        std::vector<double>{range.lowest, range.highest, range.scale, range.inverse};
    context->saved_data["slope"] = slope * sign(step.item<double>());
    Tensor y = torch::empty_like(x);
    const Totals totals = run_relu(range, x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    *zeros = totals.zeros;
    return {y, torch::scalar_tensor(totals.sum, x.options())};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor x = context->get_saved_variables()[0];
    const std::vector<double> r = context->saved_data["range"].toDoubleVector();
    const Range range{static_cast<float>(r[0]), static_cast<float>(r[1]), static_cast<float>(r[2]),
                      static_cast<float>(r[3])};
    const Tensor g = gradients[0].defined() ? gradients[0].contiguous() : torch::zeros_like(x);
    const float sum_gradient = gradients[1].defined() ? gradients[1].item<float>() : 0.0f;
    Tensor gx = torch::empty_like(x);
    const double sum = run_backward(
        [&](const float* xs, const float* gs, float* out, float* lanes, std::int64_t rounds) {
          relu_backward(range, sum_gradient, xs, gs, out, lanes, rounds);
        },
        x.data_ptr<float>(), g.data_ptr<float>(), gx.data_ptr<float>(), x.numel());
    const double slope = context->saved_data["slope"].toDouble();
    return {gx, torch::scalar_tensor(sum * slope, x.options()), {}, {}, {}};
  }
};

struct FakeQuantizeSigned : Function<FakeQuantizeSigned> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& step,
                        Range range, double slope) {
    const Tensor x = input.contiguous();
    context->save_for_backward({x});
    context->saved_data["range"] =
        std::vector<double>{range.lowest, range.highest, range.scale, range.inverse};
    context->saved_data["slope"] = slope * sign(step.item<double>());
    Tensor y = torch::empty_like(x);
    signed_forward(range, x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor x = context->get_saved_variables()[0];
    const std::vector<double> r = context->saved_data["range"].toDoubleVector();
    const Range range{static_cast<float>(r[0]), static_cast<float>(r[1]), static_cast<float>(r[2]),
                      static_cast<float>(r[3])};
    const Tensor g = gradients[0].contiguous();
    Tensor gx = torch::empty_like(x);
    const double sum = run_backward(
        [&](const float* xs, const float* gs, float* out, float* lanes, std::int64_t rounds) {
          signed_backward(range, xs, gs, out, lanes, rounds);
        },
        x.data_ptr<float>(), g.data_ptr<float>(), gx.data_ptr<float>(), x.numel());
    const double slope = context->saved_data["slope"].toDouble();
    return {gx, torch::scalar_tensor(sum * slope, x.options()), {}, {}};
  }
};

double activation_slope(const Tensor& x, std::int64_t samples, int highest) {
  FLATENN_ASSERT(samples > 0 && x.numel() % samples == 0);
  return 1 / std::sqrt(static_cast<double>(x.numel() / samples) * highest);
}

/// The same as tensor operations: step * round(clamp(x / step)).
Tensor quantize_by_operations(const Tensor& x, const Tensor& step, const Range& range,
                              double slope) {
  const Tensor scale = with_gradient(range.scale, step, slope * sign(step.item<double>()));
  const Tensor level = x * (1 / scale);
  return round_straight(level.clamp(range.lowest, range.highest)) * scale;
}

}  // namespace

float initial_weight_step(const Tensor& masters, const WeightFormat& format) {
  const torch::NoGradGuard guard;
  switch (format.quantizer) {
    case WeightQuantizer::lsq:
      return initial_activation_step(masters, format.code.max_code());
    case WeightQuantizer::saq:
      return masters.dim() == 4 ? 2.0f : 0.8f * masters.abs().max().item<float>();
    case WeightQuantizer::robust:
      return 1.0f;
  }
  return 1.0f;
}

float initial_activation_step(const Tensor& x, int max_code) {
  const torch::NoGradGuard guard;
  const double mean = x.abs().mean(torch::kFloat64).item<double>();
  return static_cast<float>(2 * mean / std::sqrt(static_cast<double>(max_code)));
}

WeightGrid weight_grid(const Tensor& masters, const Tensor& step, const WeightFormat& format) {
  const Tensor w = masters.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const std::span<const float> values(w.data_ptr<float>(), static_cast<std::size_t>(w.numel()));
  switch (format.quantizer) {
    case WeightQuantizer::lsq:
      return lsq_grid(step.item<float>());
    case WeightQuantizer::saq:
      return saq_grid(values, step.item<float>(), format.code.bits, masters.dim() == 4);
    case WeightQuantizer::robust:
      return robust_grid(values, format.code.bits);
  }
  FLATENN_ASSERT(!"a quantizer without a grid");
  return {};
}

Tensor fake_quantize_weights(const Tensor& masters, const Tensor& step, const WeightFormat& format,
                             const WeightGrid& grid) {
  const WeightKernel kernel = weight_kernel(grid, format);
  const double slope = step_slope(masters, format);
  if (has_kernel(masters)) return FakeQuantizeWeights::apply(masters, step, kernel, slope);
  const double s = sign(step.item<double>()) * slope;
  const Tensor scale = with_gradient(grid.scale, step, s);
  const Tensor offset = with_gradient(grid.offset, step, s * grid.offset / grid.scale);
  const Tensor level = ((masters - grid.center) / grid.spread - offset) / scale;
  const Tensor clamped = kernel.straight ? level : level.clamp(kernel.lowest, kernel.highest);
  return round_straight(clamped) * scale + offset;
}

FakeActivation fake_quantize_activation(const Tensor& x, const Tensor& step, int bits,
                                        std::int64_t samples) {
  const int highest = (1 << bits) - 1;
  const Range range = make_range(checked_step(step), 0, highest);
  const double slope = activation_slope(x, samples, highest);
  FakeActivation result;
  if (has_kernel(x)) {
    const variable_list outputs = FakeQuantizeRelu::apply(x, step, range, slope, &result.zeros);
    result.values = outputs[0];
    result.sum = outputs[1];
    return result;
  }
  const Tensor positive = torch::relu(x);
  result.values = quantize_by_operations(positive, step, range, slope);
  result.sum = positive.sum();
  result.zeros = (result.values == 0).sum().item<std::int64_t>();
  return result;
}

Tensor fake_quantize_signed(const Tensor& x, const Tensor& step, int bits, std::int64_t samples) {
  const int highest = (1 << (bits - 1)) - 1;
  const Range range = make_range(checked_step(step), -highest - 1, highest);
  const double slope = activation_slope(x, samples, highest);
  if (has_kernel(x)) return FakeQuantizeSigned::apply(x, step, range, slope);
  return quantize_by_operations(x, step, range, slope);
}

}  // namespace flatenn
