// Kernels: convolution and pooling for training on the CPU, images innermost.
//
// Tensors lie as [channel][row][column][image], so that one vector register holds the same place of
// many images: any number of channels runs at full width, padding costs nothing, and every sum has
// one fixed order. A linear layer is a convolution of one place. Float32, one thread each call;
// results do not depend on how many threads or trainings run beside.
#pragma once

namespace flatenn {

struct ConvShape {
  int images = 1;
  int in_channels = 1, height = 1, width = 1;
  int out_channels = 1, kernel = 1, stride = 1, padding = 0;

  int out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  int window() const { return in_channels * kernel * kernel; }
};

/// y[out][oy][ox][image] = bias[out] + sum of w[out][in][ky][kx] * x. `bias` may be null.
void conv_forward(const ConvShape& shape, const float* x, const float* w, const float* bias,
                  float* y);

/// Gradient to x from the gradient `gy` to y. Overwrites gx.
void conv_backward_input(const ConvShape& shape, const float* gy, const float* w, float* gx);

/// Gradients to w and, unless null, to bias. Overwrites both.
void conv_backward_weight(const ConvShape& shape, const float* x, const float* gy, float* gw,
                          float* gbias);

struct PoolShape {
  int images = 1;
  int channels = 1, height = 1, width = 1;
  int kernel = 2, stride = 2;

  int out_height() const { return (height - kernel) / stride + 1; }
  int out_width() const { return (width - kernel) / stride + 1; }
};

void max_pool_forward(const PoolShape& shape, const float* x, float* y);

/// The gradient of a window goes to the first of its largest elements in row order.
void max_pool_backward(const PoolShape& shape, const float* x, const float* y, const float* gy,
                       float* gx);

}  // namespace flatenn
