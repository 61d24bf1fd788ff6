// Builders: the networks of the literature, at any bit widths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flatenn/graph/graph.h"

namespace flatenn {

/// What follows every conv2d and linear node but the last.
enum class Normalization {
  none,
  batch,  ///< takes the place of the bias; folded away when deployed
  group,  ///< keeps the bias, which is not redundant in groups of several channels
};

/// What comes first behind a layer that has both. DieHardNet (Cavagnero et al., IOLTS 2022) moves
/// the normalization behind the activation, so that this clips what a fault left in the layer.
enum class LayerOrder {
  norm_first,
  activation_first,  ///< activation, batch_norm, signed codes of branch_bits bits
};

/// Groups of a group_norm over `channels` channels: of 32, 24, 16 and 8, each but half the channels
/// at most, the first that divides the channels (Stutz et al., MLSys 2021); where none does, the
/// largest divisor up to that half, at least 1. `single`: the channels have one position; then it
/// is a quarter instead of half, because of two values normalised alone only the order is left.
int group_count(int channels, bool single);

/// Settings common to all builders.
struct NetworkOptions {
  Input input = {};  ///< image shape, pixel scale and zero point
  int classes = 10;
  WeightFormat weights = {};  ///< of every layer but first and last
  int activation_bits = 4;
  int first_weight_bits = 0;  ///< 0: as weights.code.bits
  int last_weight_bits = 0;   ///< 0: as weights.code.bits
  int branch_bits = 8;        ///< signed codes of a residual branch, and of normalised activations
  Normalization norm = Normalization::none;   ///< residual networks: none stands for batch
  LayerOrder order = LayerOrder::norm_first;  ///< activation_first: with Normalization::batch alone
  std::vector<int> hidden = {256, 128};       ///< mlp only
  double width = 1;                           ///< simplenet only: share of its channels, in (0, 1]
};

/// LeNet-5: conv 6@5x5, max pool, conv 16@5x5, max pool, linear 120, 84, classes. Inputs below 32
/// pixels are padded by 2, so that 28 and 32 pixels both give 14x14 after the first pool.
Graph lenet5(const NetworkOptions& options);
/// Fully connected, options.hidden.
Graph mlp(const NetworkOptions& options);
/// SimpleNet (HasanPour et al. 2016) as Stutz et al. 2021 use it, 13 convolutions: 64, 3 x 128,
/// pool, 2 x 128, 256, pool, 2 x 256, pool, 512, pool, 1x1 2048, 1x1 256, pool, 256, linear; 3x3
/// but where said, channels times options.width, rounded to a multiple of 8, at least 8. A max
/// pooling is left out where a single pixel is there already: images of 32 pixels are pooled five
/// times, of 28 four. What more than one pixel is left of is averaged. Throws Error for images that
/// are not square and for widths outside (0, 1].
Graph simplenet(const NetworkOptions& options);
/// He et al. 2015, CIFAR form: conv 16, 3 stages of 3 blocks (16, 32, 64), global average, linear;
/// 1x1 convolution shortcuts where the shape changes. Always normalised. Block:
/// conv-norm-act-conv-norm-quantize -> add(shortcut) -> act; a shortcut that changes shape is
/// conv-norm-quantize. Throws Error for images that are not square.
Graph resnet20(const NetworkOptions& options);
/// CIFAR form of ResNet-18: conv 64 3x3, stages 64, 128, 256, 512 of 2 blocks; 11.2 M weights.
Graph resnet18(const NetworkOptions& options);

/// By name; throws Error with the known names, and for an order that the normalization cannot have.
Graph build_network(std::string_view name, const NetworkOptions& options);
const std::vector<std::string>& network_names();

}  // namespace flatenn
