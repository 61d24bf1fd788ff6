#include "flatenn/train/ops.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "flatenn/base/error.h"
#include "flatenn/train/group_norm_kernels.h"
#include "flatenn/train/kernels.h"

namespace flatenn::ops {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

bool has_kernel(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat32; }

bool is_half(const Tensor& x) { return x.scalar_type() == torch::kBFloat16; }

/// libtorch wants images first. Both directions are views.
Tensor images_first(const Tensor& x) { return x.permute({3, 0, 1, 2}); }
Tensor images_last(const Tensor& x) { return x.permute({1, 2, 3, 0}); }

/// In bfloat16, channels last; x itself where it is that already.
Tensor to_half(const Tensor& x) {
  const Tensor half = images_first(x.to(torch::kBFloat16));
  return images_last(half.contiguous(torch::MemoryFormat::ChannelsLast));
}

/// By oneDNN. Its result lies channels last already, unless x and w have a single place.
Tensor convolve_half(const Tensor& x, const Tensor& w, const Tensor& bias, int stride,
                     int padding) {
  constexpr auto channels_last = torch::MemoryFormat::ChannelsLast;
  const Tensor b = bias.defined() ? bias.to(torch::kBFloat16) : bias;
  const Tensor y =
      torch::conv2d(images_first(to_half(x)), w.contiguous(channels_last), b, stride, padding);
  return images_last(y.contiguous(channels_last));
}

/// A bias of no elements is none: a Function needs every tensor to be defined.
struct Convolution : Function<Convolution> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weights,
                        const Tensor& bias, int stride, int padding) {
    const Tensor x = input.contiguous();
    const Tensor w = weights.contiguous();
    const ConvShape shape = conv_shape(x, w, stride, padding);
    context->save_for_backward({x, w});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["needs_input"] = input.requires_grad();
    context->saved_data["has_bias"] = bias.requires_grad();
    Tensor y = torch::empty(
        {shape.out_channels, shape.out_height(), shape.out_width(), shape.images}, x.options());
    conv_forward(shape, x.data_ptr<float>(), w.data_ptr<float>(),
                 bias.numel() > 0 ? bias.contiguous().data_ptr<float>() : nullptr,
                 y.data_ptr<float>());
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& w = saved[1];
    const auto setting = [&](const char* name) {
      return static_cast<int>(context->saved_data[name].toInt());
    };
    const ConvShape shape = conv_shape(x, w, setting("stride"), setting("padding"));
    const Tensor g = gradients[0].contiguous();
    Tensor gx, gbias;
    if (context->saved_data["needs_input"].toBool()) {
      gx = torch::empty_like(x);
      conv_backward_input(shape, g.data_ptr<float>(), w.data_ptr<float>(), gx.data_ptr<float>());
    }
    Tensor gw = torch::empty_like(w);
    if (context->saved_data["has_bias"].toBool()) {
      gbias = torch::empty({shape.out_channels}, w.options());
    }
    conv_backward_weight(shape, x.data_ptr<float>(), g.data_ptr<float>(), gw.data_ptr<float>(),
                         gbias.defined() ? gbias.data_ptr<float>() : nullptr);
    return {gx, gw, gbias, {}, {}};
  }
};

PoolShape pool_shape(const Tensor& x, int kernel, int stride) {
  const auto size = [&](int i) { return static_cast<int>(x.size(i)); };
  return {size(3), size(0), size(1), size(2), kernel, stride};
}

struct MaxPooling : Function<MaxPooling> {
  static Tensor forward(AutogradContext* context, const Tensor& input, int kernel, int stride) {
    const Tensor x = input.contiguous();
    const PoolShape shape = pool_shape(x, kernel, stride);
    Tensor y = torch::empty({shape.channels, shape.out_height(), shape.out_width(), shape.images},
                            x.options());
    max_pool_forward(shape, x.data_ptr<float>(), y.data_ptr<float>());
    context->save_for_backward({x, y});
    context->saved_data["kernel"] = kernel;
    context->saved_data["stride"] = stride;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const PoolShape shape =
        pool_shape(saved[0], static_cast<int>(context->saved_data["kernel"].toInt()),
                   static_cast<int>(context->saved_data["stride"].toInt()));
    const Tensor g = gradients[0].contiguous();
    Tensor gx = torch::empty_like(saved[0]);
    max_pool_backward(shape, saved[0].data_ptr<float>(), saved[1].data_ptr<float>(),
                      g.data_ptr<float>(), gx.data_ptr<float>());
    return {gx, {}, {}};
  }
};

GroupNormShape norm_shape(const Tensor& x, int groups, double epsilon) {
  const auto size = [&](int i) { return static_cast<int>(x.size(i)); };
  return {size(3), size(0), size(1) * size(2), groups, epsilon};
}

struct GroupNormalization : Function<GroupNormalization> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& gamma,
                        const Tensor& beta, int groups, double epsilon) {
    const Tensor x = input.contiguous();
    const Tensor scale = gamma.contiguous();
    Tensor y = torch::empty_like(x);
    Tensor statistics = torch::empty({groups, 2, x.size(3)}, x.options());
    group_norm_forward(norm_shape(x, groups, epsilon), x.data_ptr<float>(), scale.data_ptr<float>(),
                       beta.contiguous().data_ptr<float>(), y.data_ptr<float>(),
                       statistics.data_ptr<float>());
    context->save_for_backward({x, scale, statistics});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor g = gradients[0].contiguous();
    Tensor gx = torch::empty_like(x);
    Tensor ggamma = torch::empty_like(saved[1]);
    Tensor gbeta = torch::empty_like(saved[1]);
    // The statistics hold epsilon already.
    const GroupNormShape shape = norm_shape(x, static_cast<int>(saved[2].size(0)), 0);
    group_norm_backward(shape, x.data_ptr<float>(), saved[1].data_ptr<float>(),
                        saved[2].data_ptr<float>(), g.data_ptr<float>(), gx.data_ptr<float>(),
                        ggamma.data_ptr<float>(), gbeta.data_ptr<float>());
    return {gx, ggamma, gbeta, {}, {}};
  }
};

}  // namespace

ConvShape conv_shape(const Tensor& x, const Tensor& w, int stride, int padding) {
  FLATENN_ASSERT(x.dim() == 4 && w.dim() == 4 && x.size(0) == w.size(1));
  const auto size = [](const Tensor& t, int i) { return static_cast<int>(t.size(i)); };
  return {size(x, 3), size(x, 0), size(x, 1), size(x, 2), size(w, 0), size(w, 2), stride, padding};
}

Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, int stride, int padding) {
  if (is_half(w)) return convolve_half(x, w, bias, stride, padding);
  if (has_kernel(x)) {
    return Convolution::apply(x, w, bias.defined() ? bias : torch::empty({0}), stride, padding);
  }
  return images_last(torch::conv2d(images_first(x), w, bias, stride, padding));
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  return conv2d(x.to(w.scalar_type()), w.view({w.size(0), w.size(1), 1, 1}), bias, 1, 0);
}

Tensor max_pool(const Tensor& x, int kernel, int stride) {
  if (has_kernel(x)) return MaxPooling::apply(x, kernel, stride);
  return images_last(torch::max_pool2d(images_first(x), kernel, stride));
}

Tensor avg_pool(const Tensor& x, int kernel, int stride) {
  if (kernel == x.size(1) && kernel == x.size(2)) {
    return x.mean({1, 2}, true, is_half(x) ? torch::kFloat32 : x.scalar_type());
  }
  return images_last(torch::avg_pool2d(images_first(x), kernel, stride));
}

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                  Tensor running_variance, bool training, double momentum, double epsilon) {
  if (is_half(x)) {
    return images_last(torch::batch_norm(images_first(x), gamma, beta, running_mean,
                                         running_variance, training, momentum, epsilon, false));
  }
  const Tensor flat = x.reshape({1, x.size(0), -1});
  return torch::batch_norm(flat, gamma, beta, running_mean, running_variance, training, momentum,
                           epsilon, false)
      .view(x.sizes());
}

Tensor group_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, int groups,
                  double epsilon) {
  FLATENN_ASSERT(x.dim() == 4 && groups > 0 && x.size(0) % groups == 0);
  if (has_kernel(x)) return GroupNormalization::apply(x, gamma, beta, groups, epsilon);
  if (is_half(x)) {
    return to_half(group_norm(x.to(torch::kFloat32), gamma, beta, groups, epsilon));
  }
  const Tensor flat = x.reshape({groups, -1, x.size(3)});
  const Tensor centred = flat - flat.mean(1, true);
  const Tensor variance = (centred * centred).mean(1, true);
  const Tensor normal = centred / (variance + epsilon).sqrt();
  return normal.view(x.sizes()) * gamma.view({-1, 1, 1, 1}) + beta.view({-1, 1, 1, 1});
}

Tensor flatten(const Tensor& x) { return x.reshape({-1, 1, 1, x.size(3)}); }

}  // namespace flatenn::ops
