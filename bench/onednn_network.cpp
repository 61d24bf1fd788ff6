#include "bench/onednn_network.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Type = memory::data_type;
using Tag = memory::format_tag;

Tag plain_tag(std::size_t rank) { return rank == 4 ? Tag::nchw : Tag::nc; }

memory::desc any_layout(const memory::dims& dims, Type type) { return {dims, type, Tag::any}; }

}  // namespace

OnednnNetwork::OnednnNetwork(const Model& model, const Dataset& data, int batch)
    : model_(model), infos_(check_graph(model.graph)), batch_(batch) {
  FLATENN_ASSERT(data.size() % static_cast<std::size_t>(batch) == 0);
  FLATENN_ASSERT(std::get<Input>(model_.graph.nodes[0].op).zero_point == 0);
  compile(data);
  pack();
}

std::vector<int> OnednnNetwork::readers(int node) const {
  std::vector<int> list;
  for (int n = 0; n < std::ssize(model_.graph.nodes); ++n) {
    const std::vector<int>& inputs = model_.graph.nodes[n].inputs;
    if (std::ranges::count(inputs, node) > 0) list.push_back(n);
  }
  return list;
}

/// A layer that is computed together with the addition behind it.
bool OnednnNetwork::is_deferred_branch(int node) const {
  const int end = readers(node).front();
  if (!std::holds_alternative<Quantize>(model_.graph.nodes[end].op)) return false;
  const int add = readers(end).front();
  return std::holds_alternative<Add>(model_.graph.nodes[add].op) &&
         model_.graph.nodes[add].inputs[0] == end;
}

memory::dims OnednnNetwork::dims(int node) const {
  const Op& op = model_.graph.nodes[node].op;
  const Shape& shape = infos_[node].shape;
  if (std::holds_alternative<Linear>(op)) return {batch_, shape.channels};
  // A flatten keeps the shape of what it reads: linear layers take four dimensions, too.
  if (std::holds_alternative<Flatten>(op)) return dims(model_.graph.nodes[node].inputs[0]);
  if (std::holds_alternative<Activation>(op)) return dims(model_.graph.nodes[node].inputs[0]);
  return {batch_, shape.channels, shape.height, shape.width};
}

void OnednnNetwork::compile(const Dataset& data) {
  const std::vector<Node>& nodes = model_.graph.nodes;
  results_.resize(nodes.size());
  last_read_.assign(nodes.size(), 0);
  for (int n = 0; n < std::ssize(nodes); ++n) {
    for (const int input : nodes[n].inputs) last_read_[input] = n;
  }
  weights_.resize(model_.weights.size());
  const memory::desc plain(dims(0), Type::u8, Tag::nchw);
  results_[0] = memory(plain, engine_, nullptr);
  for (int n = 1; n < std::ssize(nodes); ++n) {
    const Op& op = nodes[n].op;
    if (infos_[n].weight_count > 0) {
      if (!is_deferred_branch(n)) add_layer(n, readers(n).front(), -1);
    } else if (std::holds_alternative<Add>(op)) {
      add_addition(n);
    } else if (std::holds_alternative<MaxPool>(op) || std::holds_alternative<AvgPool>(op)) {
      add_pool(n);
    } else if (std::holds_alternative<Flatten>(op)) {
      results_[n] = results_[nodes[n].inputs[0]];
      last_read_[nodes[n].inputs[0]] = last_read_[n];
    }
    release_read(n);
  }
  prepare_images(data, calls_.front().arguments.at(DNNL_ARG_SRC).get_desc());
}

/// Buffers whose last reader is done serve again. A deferred branch still needs its input.
void OnednnNetwork::release_read(int node) {
  if (infos_[node].weight_count > 0 && is_deferred_branch(node)) return;
  std::vector<int> read = model_.graph.nodes[node].inputs;
  if (std::holds_alternative<Add>(model_.graph.nodes[node].op)) {
    const int layer = model_.graph.nodes[read[0]].inputs[0];
    read = {model_.graph.nodes[layer].inputs[0]};  // the shortcut lives on as the sum
  }
  for (const int input : read) {
    if (!results_[input] || last_read_[input] > node) continue;
    for (Block& block : blocks_) {
      if (block.bytes.get() == results_[input].get_data_handle()) block.free = true;
    }
  }
}

memory OnednnNetwork::allocate(const memory::desc& desc) {
  const std::size_t size = desc.get_size();
  for (Block& block : blocks_) {
    if (!block.free || block.size != size) continue;
    block.free = false;
    return {desc, engine_, block.bytes.get()};
  }
  blocks_.push_back({std::make_unique<std::uint8_t[]>(size), size, false});
  return {desc, engine_, blocks_.back().bytes.get()};
}

/// The result of `node`, reordered where the reader wants another layout.
memory OnednnNetwork::in_layout(int node, const memory::desc& wanted) {
  const memory& have = results_[node];
  if (node == 0) return {wanted, engine_, nullptr};  // prepared before the first map
  if (have.get_desc() == wanted) return have;
  memory other(wanted, engine_);
  calls_.push_back({dnnl::reorder(have, other), {{DNNL_ARG_FROM, have}, {DNNL_ARG_TO, other}}});
  return other;
}

/// Layer `node` up to the quantizer `end`: scale, the shortcut's codes times theirs, clip.
dnnl::primitive_attr OnednnNetwork::layer_attributes(int node, int end, int shortcut) const {
  std::vector<float> scales = model_.affine[node].multiplier;
  dnnl::post_ops post;
  if (shortcut >= 0) {
    const int add = model_.graph.nodes[end].inputs[0];
    const std::vector<float>& multiplier = model_.affine[add].multiplier;
    for (float& scale : scales) scale *= multiplier[0];
    post.append_sum(multiplier[1]);
  }
  // Eight bits saturate by themselves.
  const NodeInfo& info = infos_[end];
  const bool clips = info.codes && info.max_code - info.min_code < 255;
  if (clips) {
    post.append_eltwise(1, algorithm::eltwise_clip, 0,
                        static_cast<float>(info.max_code - info.min_code));
  }
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(1 << 1, scales);
  attributes.set_post_ops(post);
  return attributes;
}

void OnednnNetwork::add_layer(int node, int end, int shortcut) {
  const Op& op = model_.graph.nodes[node].op;
  const int from = model_.graph.nodes[node].inputs[0];
  const int channels = infos_[node].shape.channels;
  const Type type = infos_[end].codes ? Type::u8 : Type::f32;
  const memory::desc src = any_layout(dims(from), Type::u8);
  const memory::desc bias = {{channels}, Type::f32, Tag::x};
  memory::desc dst = any_layout(dims(node), type);
  if (shortcut >= 0) dst = results_[shortcut].get_desc();
  const dnnl::primitive_attr attributes = layer_attributes(node, end, shortcut);
  if (const auto* conv = std::get_if<Conv2d>(&op)) {
    const memory::dim k = conv->kernel, s = conv->stride, p = conv->padding;
    const memory::desc weights = any_layout({channels, dims(from)[1], k, k}, Type::s8);
    add_layer_call<dnnl::convolution_forward>({{prop_kind::forward_inference,
                                                algorithm::convolution_direct,
                                                src,
                                                weights,
                                                bias,
                                                dst,
                                                {s, s},
                                                {p, p},
                                                {p, p}},
                                               attributes,
                                               engine_},
                                              node, end, shortcut);
  } else {
    memory::dims shape = dims(from);
    shape[0] = channels;
    const memory::desc weights = any_layout(shape, Type::s8);
    add_layer_call<dnnl::inner_product_forward>(
        {{prop_kind::forward_inference, src, weights, bias, dst}, attributes, engine_}, node, end,
        shortcut);
  }
}

template <class Layer>
void OnednnNetwork::add_layer_call(const typename Layer::primitive_desc& layer, int node, int end,
                                   int shortcut) {
  const memory src = in_layout(model_.graph.nodes[node].inputs[0], layer.src_desc());
  memory::dims shape = layer.weights_desc().dims();
  const memory::desc plain(shape, Type::s8, plain_tag(shape.size()));
  const memory dst = shortcut < 0
                         ? allocate(layer.dst_desc())
                         : memory(layer.dst_desc(), engine_, results_[shortcut].get_data_handle());
  calls_.push_back({Layer(layer),
                    {{DNNL_ARG_SRC, src},
                     {DNNL_ARG_WEIGHTS, add_weights(node, plain, layer.weights_desc())},
                     {DNNL_ARG_BIAS, bias(node, end, shortcut)},
                     {DNNL_ARG_DST, dst}}});
  results_[end] = dst;
}

/// Signed codes are stored as unsigned ones, shifted by this: whatever is added to has one type.
int OnednnNetwork::zero_point(int node) const {
  return infos_[node].codes ? -infos_[node].min_code : 0;
}

/// Sums are biased before they are scaled; zero points come in here, at no cost.
memory OnednnNetwork::bias(int node, int end, int shortcut) const {
  const NodeAffine& affine = model_.affine[node];
  float own = 1, other = 0;
  if (shortcut >= 0) {
    const std::vector<float>& add = model_.affine[model_.graph.nodes[end].inputs[0]].multiplier;
    own = add[0];
    other = add[1] * static_cast<float>(zero_point(shortcut));
  }
  memory bias({{std::ssize(affine.addend)}, Type::f32, Tag::x}, engine_);
  auto* values = static_cast<float*>(bias.get_data_handle());
  for (std::size_t c = 0; c < affine.addend.size(); ++c) {
    const float scale = affine.multiplier[c] * own;
    const float value = affine.addend[c] * own - other + static_cast<float>(zero_point(end));
    values[c] = scale == 0 ? 0 : value / scale;
  }
  return bias;
}

memory OnednnNetwork::add_weights(int node, const memory::desc& plain, const memory::desc& packed) {
  for (std::size_t t = 0; t < weights_.size(); ++t) {
    if (model_.weights[t].node != node) continue;
    Weights& weights = weights_[t];
    weights.codes = model_.weights[t].codes;
    const memory from(plain, engine_, weights.codes.data());
    weights.packed = memory(packed, engine_);
    weights.reorder = {dnnl::reorder(from, weights.packed),
                       {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, weights.packed}}};
    return weights.packed;
  }
  FLATENN_ASSERT(false);
  return {};
}

/// The second layer of a residual block writes over the shortcut, adding to it.
void OnednnNetwork::add_addition(int node) {
  const std::vector<int>& inputs = model_.graph.nodes[node].inputs;
  const int layer = model_.graph.nodes[inputs[0]].inputs[0];
  add_layer(layer, readers(node).front(), inputs[1]);
}

void OnednnNetwork::add_pool(int node) {
  const Op& op = model_.graph.nodes[node].op;
  const memory& src = results_[model_.graph.nodes[node].inputs[0]];
  const auto* average = std::get_if<AvgPool>(&op);
  const int kernel = average != nullptr ? average->kernel : std::get<MaxPool>(op).kernel;
  const int stride = average != nullptr ? average->stride : std::get<MaxPool>(op).stride;
  dnnl::post_ops post;
  if (average != nullptr) {
    const float windows = static_cast<float>(kernel * kernel);
    post.append_eltwise(1, algorithm::eltwise_linear, model_.affine[node].multiplier[0] * windows,
                        0);
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post);
  const dnnl::pooling_forward::primitive_desc pool(
      {prop_kind::forward_inference,
       average != nullptr ? algorithm::pooling_avg_exclude_padding : algorithm::pooling_max,
       src.get_desc(),
       any_layout(dims(node), Type::u8),
       {stride, stride},
       {kernel, kernel},
       {0, 0},
       {0, 0}},
      attributes, engine_);
  const memory dst = allocate(pool.dst_desc());
  calls_.push_back({dnnl::pooling_forward(pool), {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}}});
  results_[average != nullptr ? readers(node).front() : node] = dst;
}

void OnednnNetwork::prepare_images(const Dataset& data, const memory::desc& wanted) {
  const memory::desc plain(dims(0), Type::u8, Tag::nchw);
  for (std::size_t first = 0; first < data.size(); first += static_cast<std::size_t>(batch_)) {
    std::uint8_t* pixels =
        const_cast<std::uint8_t*>(data.images.data()) + first * data.image_bytes();
    memory from(plain, engine_, pixels);
    images_.emplace_back(wanted, engine_);
    dnnl::reorder(from, images_.back()).execute(stream_, from, images_.back());
  }
  stream_.wait();
}

void OnednnNetwork::write(std::span<const CodeWrite> writes) {
  for (const CodeWrite& w : writes) {
    weights_[static_cast<std::size_t>(w.tensor)].codes[static_cast<std::size_t>(w.element)] =
        w.code;
  }
}

void OnednnNetwork::pack() {
  for (const Weights& weights : weights_) {
    weights.reorder.primitive.execute(stream_, weights.reorder.arguments);
  }
  stream_.wait();
}

void OnednnNetwork::classify(std::span<std::uint8_t> classes) {
  const int count = infos_.back().shape.channels;
  const auto* logits = static_cast<const float*>(results_.back().get_data_handle());
  for (std::size_t b = 0; b < images_.size(); ++b) {
    calls_.front().arguments[DNNL_ARG_SRC] = images_[b];
    for (const Call& call : calls_) call.primitive.execute(stream_, call.arguments);
    stream_.wait();
    for (int i = 0; i < batch_; ++i) {
      const float* row = logits + i * count;
      classes[b * static_cast<std::size_t>(batch_) + static_cast<std::size_t>(i)] =
          static_cast<std::uint8_t>(std::max_element(row, row + count) - row);
    }
  }
}

}  // namespace flatenn
