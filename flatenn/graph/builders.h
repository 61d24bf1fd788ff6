// Builders: the networks of the literature, at any bit widths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flatenn/graph/graph.h"

namespace flatenn {

/// Settings common to all builders.
struct NetworkOptions {
  Input input = {};  ///< image shape, pixel scale and zero point
  int classes = 10;
  WeightFormat weights = {};  ///< of every layer but first and last
  int activation_bits = 4;
  int first_weight_bits = 0;             ///< 0: as weights.code.bits
  int last_weight_bits = 0;              ///< 0: as weights.code.bits
  int branch_bits = 8;                   ///< signed codes of a residual branch before the addition
  bool batch_norm = false;               ///< after every conv2d and linear but the last
  std::vector<int> hidden = {256, 128};  ///< mlp only
};

/// LeNet-5: conv 6@5x5, max pool, conv 16@5x5, max pool, linear 120, 84, classes. Inputs below 32
/// pixels are padded by 2, so that 28 and 32 pixels both give 14x14 after the first pool.
Graph lenet5(const NetworkOptions& options);
/// Fully connected, options.hidden.
Graph mlp(const NetworkOptions& options);
/// He et al. 2015, CIFAR form: conv 16, 3 stages of 3 blocks (16, 32, 64), global average, linear;
/// 1x1 convolution shortcuts where the shape changes. batch_norm is always on. Block:
/// conv-bn-act-conv-bn-quantize -> add(shortcut) -> act; a shortcut that changes shape is
/// conv-bn-quantize. Throws Error for images that are not square.
Graph resnet20(const NetworkOptions& options);
/// CIFAR form of ResNet-18: conv 64 3x3, stages 64, 128, 256, 512 of 2 blocks; 11.2 M weights.
Graph resnet18(const NetworkOptions& options);

/// By name; throws Error with the known names.
Graph build_network(std::string_view name, const NetworkOptions& options);
const std::vector<std::string>& network_names();

}  // namespace flatenn
