// Model: a trained network in its deployed, integer form. The graph has no batch_norm.
//
// Arithmetic (the definition; evaluators are bit-equal to it):
//   conv2d, linear:  acc = sum of c_w * (q - zero_point of an input node, else q), exact int32
//                    v = fl(float(acc) * multiplier[ch])
//                    with weight offset, s = the sum over the window of what c_w is multiplied by:
//                    v = fl(v + fl(float(s) * window_multiplier[ch]))
//                    v = fl(v + addend[ch])
//   group_norm:      reads the v of a conv2d or linear node. For each image and group of channels:
//                    mean = (sum of v) / n, variance = (sum of (v - mean)^2) / n in double
//                    precision, each operation rounded once, the sums in the order channel, row,
//                    column and starting from 0; gain = float(1 / sqrt(variance + epsilon));
//                    v = fl(fl(fl(fl(v - float(mean)) * gain) * multiplier[ch]) + addend[ch])
//   channel_affine:  v = fl(fl(float(code) * multiplier[ch]) + addend[ch])
//   avg_pool:        v = fl(float(sum of codes) * multiplier[0])
//   add:             v = fl(fl(float(a) * multiplier[0]) + fl(float(b) * multiplier[1]))
//   activation:      code = round_half_even(clip(v, 0, 2^bits - 1))
//   quantize:        code = round_half_even(clip(v, -2^(bits-1), 2^(bits-1) - 1))
//   output:          logits = v; the class is the lowest index among the largest
// The affine of a node already divides by the step of the activation that reads it (by 1 where a
// group_norm does).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "flatenn/graph/graph.h"

namespace flatenn {

/// Stored codes of one conv2d or linear node.
struct WeightTensor {
  int node = -1;           ///< index in Model::graph
  std::string name;        ///< node name + ".weight"
  std::vector<int> shape;  ///< (out, in, k, k) or (out, in), row-major
  CodeFormat format;
  float scale = 1;
  float offset = 0;
  std::vector<std::int8_t> codes;
};

/// Float map after the exact integer sum; see the arithmetic above. Sizes: channels for conv2d,
/// linear, channel_affine and group_norm; 1 for avg_pool; 2 for add (addend empty for both). Empty
/// for other nodes.
struct NodeAffine {
  std::vector<float> multiplier;
  std::vector<float> window_multiplier;  ///< only when the weights have an offset
  std::vector<float> addend;
};

/// What the file's header tells about the network's origin. Accuracies and sparsity in percent; a
/// negative number means not measured.
struct ModelInfo {
  std::string name;     ///< for example "sparse-saq-code seed 0"
  std::string dataset;  ///< for example "fashion-mnist"
  std::vector<std::string> class_names;
  std::string recipe = "{}";  ///< resolved settings of training, JSON text
  std::uint64_t seed = 0;
  double float_accuracy = -1;  ///< masters without quantization, test images
  double clean_accuracy = -1;  ///< quantized, no faults, test images
  double sparsity = -1;        ///< zero codes of all post-ReLU tensors, test images
  std::string created_by;      ///< program and version
};

struct Model {
  Graph graph;
  std::vector<WeightTensor> weights;  ///< graph order
  std::vector<NodeAffine> affine;     ///< one a node
  std::vector<float> steps;           ///< one a node: real value of one code; 1 for sums
  ModelInfo info;

  std::int64_t weight_count() const;
};

/// Throws Error unless the model is whole: graph valid and folded, tensors present with the right
/// shapes, codes within their formats, affine finite and at most 2^64 in magnitude, steps positive,
/// one class name a class or none.
void check_model(const Model& model);

/// Model file: safetensors, see docs/formats.md. Written atomically. Loading checks everything
/// before use and throws Error for files that are truncated, inconsistent or of a newer version.
void save_model(const Model& model, const std::filesystem::path& path);
Model load_model(const std::filesystem::path& path);

/// The bytes save_model writes: equal models give equal bytes.
std::vector<std::byte> serialize_model(const Model& model);
Model parse_model(std::span<const std::byte> bytes, std::string_view where);

/// Hash of what inference depends on (graph, codes, scales, affine), not of the header's story.
/// Precondition: check_model accepts the model.
std::string model_hash(const Model& model);

}  // namespace flatenn
