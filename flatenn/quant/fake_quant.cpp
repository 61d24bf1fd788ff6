#include "flatenn/quant/fake_quant.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/quant/fake_quant_kernels.h"

namespace flatenn {
namespace {

using fake_quant::Range;
using fake_quant::WeightRounding;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

bool has_kernel(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat32; }
bool has_half_kernel(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kBFloat16; }

// ---- Weights -----------------------------------------------------------------------------------

WeightRounding rounding_of(const WeightGrid& grid, const WeightFormat& format) {
  return {static_cast<float>(format.code.min_code()),
          static_cast<float>(format.code.max_code()),
          grid.scale,
          grid.offset,
          grid.center,
          grid.spread,
          !has_step(format.quantizer),
          grid.truncates};
}

/// d scale / d |step|, with LSQ's gradient scale.
double step_slope(const Tensor& masters, const WeightFormat& format) {
  switch (format.quantizer) {
    case WeightQuantizer::lsq:
      return 1 / std::sqrt(static_cast<double>(masters.numel()) * format.code.max_code());
    case WeightQuantizer::saq:
      return 2.0 / ((1 << format.code.bits) - 1);
    case WeightQuantizer::robust:
    case WeightQuantizer::symmetric:
      return 0;
  }
  return 0;
}

double sign(double x) { return x < 0 ? -1 : 1; }

struct FakeQuantizeWeights : Function<FakeQuantizeWeights> {
  static Tensor forward(AutogradContext* context, const Tensor& masters, const Tensor& step,
                        WeightRounding r, double slope) {
    const Tensor w = masters.contiguous();
    context->save_for_backward({w});
    context->saved_data["rounding"] = std::vector<double>{r.lowest,
                                                          r.highest,
                                                          r.scale,
                                                          r.offset,
                                                          r.center,
                                                          r.spread,
                                                          r.straight ? 1.0 : 0.0,
                                                          r.truncates ? 1.0 : 0.0};
    context->saved_data["slope"] = slope * sign(step.item<double>());
    Tensor values = torch::empty_like(w);
    fake_quant::weights_forward(r, w.data_ptr<float>(), values.data_ptr<float>(), w.numel());
    return values;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor w = context->get_saved_variables()[0];
    const std::vector<double> kept = context->saved_data["rounding"].toDoubleVector();
    const auto f = [&](int i) { return static_cast<float>(kept[static_cast<std::size_t>(i)]); };
    const WeightRounding rounding{f(0), f(1), f(2), f(3), f(4), f(5), kept[6] != 0, kept[7] != 0};
    const Tensor g = gradients[0].contiguous();
    Tensor gw = torch::empty_like(w);
    const double gradient =
        fake_quant::weights_backward(rounding, w.data_ptr<float>(), g.data_ptr<float>(),
                                     gw.data_ptr<float>(), w.numel()) *
        context->saved_data["slope"].toDouble();
    return {gw, torch::scalar_tensor(gradient, w.options()), {}, {}};
  }
};

/// x with the slope of `like` times `slope`: same value as the constant x.
Tensor with_gradient(double x, const Tensor& like, double slope) {
  const Tensor moving = like * slope;
  return x + (moving - moving.detach());
}

Tensor round_straight(const Tensor& x) { return x + (x.round() - x).detach(); }

// ---- Activations -------------------------------------------------------------------------------

/// x itself where its memory is contiguous or channels last ([image][row][column][channel], seen
/// as (channels, rows, columns, images)): what is done element by element may keep either.
Tensor dense(const Tensor& x) {
  const bool keep = x.is_contiguous() || (x.dim() == 4 && x.permute({3, 1, 2, 0}).is_contiguous());
  return keep ? x : x.contiguous();
}

/// x in the layout of `like`.
Tensor in_layout_of(const Tensor& like, const Tensor& x) {
  return x.strides() == like.strides() ? x : torch::empty_like(like).copy_(x);
}

/// Element: float or Bfloat16, as the tensor has them.
template <class Element>
Element* elements(const Tensor& x) {
  return static_cast<Element*>(x.data_ptr());
}

float checked_step(const Tensor& step) {
  const float value = step.item<float>();
  if (!std::isfinite(value)) fail("an activation step is {}: training diverged", value);
  return std::max(std::abs(value), std::numeric_limits<float>::min());
}

Range make_range(float step, int lowest, int highest) {
  return {static_cast<float>(lowest), static_cast<float>(highest), step, 1.0f / step};
}

/// Keeps what a backward pass over an activation needs; slope is d scale / d step.
void save_activation(AutogradContext* context, const Tensor& x, const Range& range, double slope) {
  context->save_for_backward({x});
  context->saved_data["range"] =
      std::vector<double>{range.lowest, range.highest, range.scale, range.inverse};
  context->saved_data["slope"] = slope;
}

Range saved_range(AutogradContext* context) {
  const std::vector<double> kept = context->saved_data["range"].toDoubleVector();
  const auto f = [&](int i) { return static_cast<float>(kept[static_cast<std::size_t>(i)]); };
  return {f(0), f(1), f(2), f(3)};
}

Tensor step_gradient(AutogradContext* context, double scale_gradient) {
  return torch::scalar_tensor(scale_gradient * context->saved_data["slope"].toDouble(),
                              torch::kFloat32);
}

template <class Element>
struct FakeQuantizeRelu : Function<FakeQuantizeRelu<Element>> {
  static variable_list forward(AutogradContext* context, const Tensor& input, const Tensor& step,
                               Range range, double slope, std::int64_t* zeros) {
    const Tensor x = dense(input);
    save_activation(context, x, range, slope * sign(step.item<double>()));
    context->set_materialize_grads(false);
    Tensor y = torch::empty_like(x);
    const fake_quant::ReluTotals totals =
        fake_quant::relu_forward(range, elements<Element>(x), elements<Element>(y), x.numel());
    *zeros = totals.zeros;
    return {y, torch::scalar_tensor(totals.sum, torch::kFloat32)};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor x = context->get_saved_variables()[0];
    const Tensor g = gradients[0].defined() ? in_layout_of(x, gradients[0]) : torch::zeros_like(x);
    const float sum_gradient = gradients[1].defined() ? gradients[1].item<float>() : 0.0f;
    Tensor gx = torch::empty_like(x);
    const double gradient =
        fake_quant::relu_backward(saved_range(context), sum_gradient, elements<Element>(x),
                                  elements<Element>(g), elements<Element>(gx), x.numel());
    return {gx, step_gradient(context, gradient), {}, {}, {}};
  }
};

template <class Element>
struct FakeQuantizeSigned : Function<FakeQuantizeSigned<Element>> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& step,
                        Range range, double slope) {
    const Tensor x = dense(input);
    save_activation(context, x, range, slope * sign(step.item<double>()));
    Tensor y = torch::empty_like(x);
    fake_quant::signed_forward(range, elements<Element>(x), elements<Element>(y), x.numel());
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor x = context->get_saved_variables()[0];
    const Tensor g = in_layout_of(x, gradients[0]);
    Tensor gx = torch::empty_like(x);
    const double gradient =
        fake_quant::signed_backward(saved_range(context), elements<Element>(x),
                                    elements<Element>(g), elements<Element>(gx), x.numel());
    return {gx, step_gradient(context, gradient), {}, {}};
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
    case WeightQuantizer::symmetric:
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
    case WeightQuantizer::symmetric:
      return symmetric_grid(values, format.code.bits);
  }
  FLATENN_ASSERT(!"a quantizer without a grid");
  return {};
}

Tensor weight_spacing(const Tensor& masters, const Tensor& step, const WeightFormat& format,
                      const WeightGrid& grid) {
  const double slope = step_slope(masters, format);
  if (slope == 0) return torch::scalar_tensor(grid.scale, masters.options().requires_grad(false));
  return with_gradient(grid.scale, step, slope * sign(step.item<double>()));
}

Tensor fake_quantize_weights(const Tensor& masters, const Tensor& step, const WeightFormat& format,
                             const WeightGrid& grid) {
  const WeightRounding rounding = rounding_of(grid, format);
  const double slope = step_slope(masters, format);
  if (has_kernel(masters)) return FakeQuantizeWeights::apply(masters, step, rounding, slope);
  const double s = sign(step.item<double>()) * slope;
  const Tensor scale = with_gradient(grid.scale, step, s);
  const Tensor offset = with_gradient(grid.offset, step, s * grid.offset / grid.scale);
  const Tensor level = ((masters - grid.center) / grid.spread - offset) / scale;
  const Tensor clamped = rounding.straight ? level : level.clamp(rounding.lowest, rounding.highest);
  const Tensor code =
      rounding.truncates ? clamped + (clamped.trunc() - clamped).detach() : round_straight(clamped);
  return code * scale + offset;
}

FakeActivation fake_quantize_activation(const Tensor& x, const Tensor& step, int bits,
                                        std::int64_t samples) {
  const int highest = (1 << bits) - 1;
  const Range range = make_range(checked_step(step), 0, highest);
  const double slope = activation_slope(x, samples, highest);
  FakeActivation result;
  if (has_kernel(x) || has_half_kernel(x)) {
    const variable_list outputs =
        has_kernel(x) ? FakeQuantizeRelu<float>::apply(x, step, range, slope, &result.zeros)
                      : FakeQuantizeRelu<Bfloat16>::apply(x, step, range, slope, &result.zeros);
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
  if (has_kernel(x)) return FakeQuantizeSigned<float>::apply(x, step, range, slope);
  if (has_half_kernel(x)) return FakeQuantizeSigned<Bfloat16>::apply(x, step, range, slope);
  return quantize_by_operations(x, step, range, slope);
}

}  // namespace flatenn
