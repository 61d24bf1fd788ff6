#include "flatenn/engine/int8_plan.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/engine/int8_places.h"

namespace flatenn::int8 {

std::size_t LayerStep::weight_at(std::int64_t channel, std::int64_t tap) const {
  const int width = tile->channels;
  const std::int32_t slot = gather.slots[tap];
  const std::int64_t step = channel / width * steps() + slot / 4;
  return static_cast<std::size_t>((step * width + channel % width) * 4 + slot % 4);
}

std::size_t LayerStep::weight_bytes() const {
  const int cells = winograd ? winograd->groups * winograd_entries : steps();
  return std::size_t{4} * blocks * tile->channels * cells;
}

std::size_t LayerStep::winograd_weight_at(std::int64_t channel, std::int64_t in) const {
  const int width = tile->channels;
  const std::int64_t kernels = channel / width * winograd->groups + in / 4;
  return static_cast<std::size_t>((kernels * winograd_entries * width + channel % width) * 4 +
                                  in % 4);
}

std::size_t LayerStep::norm_floats() const {
  if (norm.node < 0) return 0;
  const std::size_t values = norm.multiplier.size() * in_offsets.size();
  return (values + 2 * static_cast<std::size_t>(norm.groups)) * images_per_block;
}

std::vector<int> buffers_read(const Step& step) {
  if (const auto* layer = std::get_if<LayerStep>(&step)) {
    if (layer->add.in >= 0) return {layer->in, layer->add.in};
    return {layer->in};
  }
  if (const auto* pool = std::get_if<PoolStep>(&step)) return {pool->in};
  if (const auto* add = std::get_if<AddStep>(&step)) return {add->in[0], add->in[1]};
  if (const auto* flatten = std::get_if<FlattenStep>(&step)) return {flatten->in};
  return {std::get<TwinStep>(step).buffer};
}

int buffer_written(const Step& step) {
  if (const auto* layer = std::get_if<LayerStep>(&step)) return layer->to.buffer;
  if (const auto* pool = std::get_if<PoolStep>(&step)) return pool->to.buffer;
  if (const auto* add = std::get_if<AddStep>(&step)) return add->to.buffer;
  if (const auto* flatten = std::get_if<FlattenStep>(&step)) return flatten->out;
  return std::get<TwinStep>(step).buffer;
}

namespace {

class Compiler {
 public:
  Compiler(const Model& model, const Kernels& kernels, bool fuse) : fuse_(fuse) {
    plan_.model = model;
    plan_.kernels = &kernels;
    plan_.infos = check_graph(model.graph);
    readers_.resize(nodes().size());
    for (std::size_t n = 0; n < nodes().size(); ++n) {
      for (const int input : nodes()[n].inputs) readers_[input].push_back(static_cast<int>(n));
    }
    plan_.buffer_of_node.assign(nodes().size(), -1);
    plan_.step_of_tensor.resize(model.weights.size());
    plan_.tensor_of_node.assign(nodes().size(), -1);
    for (std::size_t t = 0; t < model.weights.size(); ++t) {
      plan_.tensor_of_node[model.weights[t].node] = static_cast<int>(t);
    }
    plan_.steps_until.resize(nodes().size());
    plan_.classes = plan_.infos.back().shape.channels;
  }

  Plan compile() {
    for (std::size_t n = 0; n < nodes().size(); ++n) {
      if (!covered_.contains(static_cast<int>(n))) compile_node(static_cast<int>(n));
    }
    place_buffers(plan_);
    return std::move(plan_);
  }

 private:
  const std::vector<Node>& nodes() const { return plan_.model.graph.nodes; }

  void compile_node(int n) {
    const Op& op = nodes()[n].op;
    if (std::holds_alternative<Input>(op)) {
      add_image(n);
    } else if (plan_.infos[n].weight_count > 0) {
      if (joining_add(n) < 0) add_layer(n, -1);  // else with the addition
    } else if (std::holds_alternative<MaxPool>(op)) {
      const auto& pool = std::get<MaxPool>(op);
      add_pool(n, pool.kernel, pool.stride, {add_buffer(n), 0, 0, {}, 0}, n, false);
    } else if (std::holds_alternative<AvgPool>(op)) {
      const auto& pool = std::get<AvgPool>(op);
      add_pool(n, pool.kernel, pool.stride, destination(n, reader(n)), reader(n), true);
    } else if (std::holds_alternative<ChannelAffine>(op)) {
      add_pool(n, 1, 1, destination(n, reader(n)), reader(n), true);
    } else if (std::holds_alternative<Add>(op)) {
      add_addition(n);
    } else if (std::holds_alternative<Flatten>(op)) {
      add_flatten(n);
    }
  }

  /// The only reader of a sums node.
  int reader(int n) const { return readers_[n].front(); }
  int source(int n, int input = 0) const { return plan_.buffer_of_node[nodes()[n].inputs[input]]; }

  /// A flatten that moves nothing: linear layers find the pixels where they lie.
  bool is_alias(int n) const {
    if (!std::holds_alternative<Flatten>(nodes()[n].op)) return false;
    const Shape& shape = plan_.infos[nodes()[n].inputs[0]].shape;
    if (shape.height == 1 && shape.width == 1) return true;
    return std::all_of(readers_[n].begin(), readers_[n].end(),
                       [&](int r) { return std::holds_alternative<Linear>(nodes()[r].op); });
  }

  /// Calls f(kernel, padding) for every layer that reads the buffer of node n.
  template <class F>
  void for_each_window(int n, F f) const {
    for (const int r : readers_[n]) {
      if (const auto* conv = std::get_if<Conv2d>(&nodes()[r].op)) f(conv->kernel, conv->padding);
      if (std::holds_alternative<Linear>(nodes()[r].op)) f(1, 0);
      if (is_alias(r)) for_each_window(r, f);
    }
  }

  int zero_point(int n) const { return -plan_.infos[n].min_code; }

  int add_buffer(int n) {
    Buffer buffer;
    buffer.shape = plan_.infos[n].shape;
    buffer.zero_point = zero_point(n);
    buffer.max_byte = plan_.infos[n].max_code - plan_.infos[n].min_code;
    bool twin = false;
    for_each_window(n, [&](int kernel, int padding) {
      buffer.pad = std::max(buffer.pad, padding);
      twin = twin || kernel > 1;
    });
    buffer.groups = channel_groups(buffer.shape.channels, twin);
    return keep_buffer(n, std::move(buffer));
  }

  void add_image(int n) {
    Buffer buffer;
    buffer.shape = plan_.infos[n].shape;
    buffer.zero_point = zero_point(n);
    for_each_window(n, [&](int, int padding) { buffer.pad = std::max(buffer.pad, padding); });
    buffer.groups = image_groups(buffer.shape.channels);
    keep_buffer(n, std::move(buffer));
  }

  void check_size(int n, std::size_t bytes) const {
    if (bytes <= std::numeric_limits<std::int32_t>::max()) return;
    fail("node '{}': {} images at once need {} bytes, at most 2 GiB; use the torch engine",
         nodes()[n].name, images_per_block, bytes);
  }

  int keep_buffer(int n, Buffer buffer) {
    check_size(n, static_cast<std::size_t>(buffer.bytes()));
    plan_.buffers.push_back(std::move(buffer));
    return plan_.buffer_of_node[n] = static_cast<int>(plan_.buffers.size()) - 1;
  }

  /// Where the sums of node n go: quantized into the buffer of `end`, or into the logits.
  Destination destination(int n, int end) {
    Destination to;
    to.channels = plan_.infos[n].shape.channels;
    const int quantizer = reader(n);
    covered_.insert(quantizer);
    if (std::holds_alternative<Output>(nodes()[quantizer].op)) return to;
    to.low = static_cast<float>(plan_.infos[quantizer].min_code);
    to.high = static_cast<float>(plan_.infos[quantizer].max_code);
    to.buffer = add_buffer(end);
    const Shape& shape = plan_.infos[end].shape;
    to.offsets = plan_.buffers[to.buffer].offsets(shape.height, shape.width, 1, 0);
    return to;
  }

  /// Appends a step that completes the result of `node`.
  void finish_step(int node, Step step) {
    const int buffer = buffer_written(step);
    plan_.steps.push_back(std::move(step));
    if (buffer != logits) {
      const Group& last = plan_.buffers[buffer].groups.back();
      const bool twin = last[2].channel >= 0 && last[2].channel == last[0].channel;
      if (twin) plan_.steps.push_back(TwinStep{buffer});
    }
    plan_.steps_until[node] = plan_.steps.size();
  }

  /// The 2x2 max pooling that can join layer n, or -1.
  int joining_pool(int n) const {
    const int quantizer = reader(n);
    if (!fuse_ || plan_.kernels->pooled.channels == 0) return -1;
    if (!plan_.model.affine[n].window_multiplier.empty()) return -1;
    if (readers_[quantizer].size() != 1) return -1;
    const int next = readers_[quantizer].front();
    const auto* pool = std::get_if<MaxPool>(&nodes()[next].op);
    return pool != nullptr && pool->kernel == 2 && pool->stride == 2 ? next : -1;
  }

  /// The addition that can join layer n, or -1: only where nothing else reads the layer's codes.
  int joining_add(int n) const {
    const int quantizer = reader(n);
    if (!fuse_ || readers_[quantizer].size() != 1) return -1;
    const int add = readers_[quantizer].front();
    if (!std::holds_alternative<Add>(nodes()[add].op)) return -1;
    if (std::holds_alternative<Output>(nodes()[reader(add)].op)) return -1;
    return joined_layer(add) == n ? add : -1;
  }

  /// The layer that addition `add` can join, or -1. Of two, the first input's.
  int joined_layer(int add) const {
    for (const int quantizer : nodes()[add].inputs) {
      const int n = nodes()[quantizer].inputs.empty() ? -1 : nodes()[quantizer].inputs[0];
      if (n >= 0 && plan_.infos[n].weight_count > 0 && readers_[quantizer].size() == 1) return n;
    }
    return -1;
  }

  /// Layer n with the pooling that can join it or the addition `add` (-1: none).
  void add_layer(int n, int add) {
    const int pool = add < 0 ? joining_pool(n) : -1;
    LayerStep layer;
    layer.in = source(n);
    const int sums = add >= 0 ? add : join_norm(n, layer.norm);
    const int end = pool >= 0 ? pool : reader(sums);
    if (pool >= 0) covered_.insert(pool);
    if (add >= 0) join(n, add, layer.add);
    layer.to = destination(sums, end);
    const Buffer& in = plan_.buffers[layer.in];
    layer.zero_point = in.zero_point;
    layer.low_bytes = in.max_byte < 128;
    layer.tensor = plan_.tensor_of_node[n];
    FLATENN_ASSERT(layer.tensor >= 0);
    plan_.step_of_tensor[layer.tensor] = static_cast<int>(plan_.steps.size());
    gather_inputs(n, pool >= 0, in, layer);
    add_affine(plan_.model.affine[n], layer);
    check_size(n, layer.norm_floats() * sizeof(float));
    finish_step(end, std::move(layer));
  }

  /// The group_norm that reads layer n, or n itself where there is none.
  int join_norm(int n, JoinedNorm& joined) {
    const int norm = reader(n);
    const auto* op = std::get_if<GroupNorm>(&nodes()[norm].op);
    if (op == nullptr) return n;
    covered_.insert(norm);
    plan_.tensor_of_node[norm] = plan_.tensor_of_node[n];
    joined = {norm, op->groups, op->epsilon, plan_.model.affine[norm].multiplier};
    return norm;
  }

  void join(int n, int add, JoinedAdd& joined) {
    const int quantizer = reader(n);
    covered_.insert(quantizer);
    const int own = nodes()[add].inputs[0] == quantizer ? 0 : 1;
    const Shape& shape = plan_.infos[add].shape;
    joined.in = source(add, 1 - own);
    joined.offsets = plan_.buffers[joined.in].offsets(shape.height, shape.width, 1, 0);
    joined.low = static_cast<float>(plan_.infos[quantizer].min_code);
    joined.high = static_cast<float>(plan_.infos[quantizer].max_code);
    joined.multiplier[0] = plan_.model.affine[add].multiplier[own];
    joined.multiplier[1] = plan_.model.affine[add].multiplier[1 - own];
  }

  void gather_inputs(int n, bool pooled, const Buffer& in, LayerStep& layer) {
    const Shape& out = plan_.infos[n].shape;
    if (const auto* conv = std::get_if<Conv2d>(&nodes()[n].op)) {
      layer.gather = gather_window(in, conv->kernel, conv->kernel);
      layer.in_offsets = in.offsets(out.height, out.width, conv->stride, -conv->padding);
    } else {
      layer.gather = gather_window(in, in.shape.height, in.shape.width);
      layer.in_offsets = in.offsets(1, 1, 1, 0);
    }
    if (pooled) layer.in_offsets = by_pooling_windows(layer.in_offsets, out);
    layer.tile = choose_tile(pooled, out.channels, static_cast<int>(layer.in_offsets.size()));
    layer.blocks = (out.channels + layer.tile->channels - 1) / layer.tile->channels;
    const WinogradTile& winograd = plan_.kernels->winograd;
    const auto* conv = std::get_if<Conv2d>(&nodes()[n].op);
    if (conv != nullptr && !pooled && winograd.channels == layer.tile->channels) {
      const NodeInfo& from = plan_.infos[nodes()[n].inputs[0]];
      layer.winograd = plan_winograd(*conv, from, plan_.infos[n], in, winograd.tiles);
    }
    layer.positions_at_once = positions_at_once(layer);
  }

  const Tile* choose_tile(bool pooled, int channels, int positions) const {
    const Kernels& kernels = *plan_.kernels;
    if (pooled)
      return channels == kernels.pooled_six.channels ? &kernels.pooled_six : &kernels.pooled;
    return positions >= kernels.many.positions ? &kernels.many : &kernels.single;
  }

  /// Weights stay in the first cache for a block of channels, so images are read once a block;
  /// where all weights fit beside some rows of the image, rows take turns instead.
  static int positions_at_once(const LayerStep& layer) {
    constexpr std::size_t first_cache = 32 << 10;
    const int all = static_cast<int>(layer.in_offsets.size());
    if (layer.weight_bytes() > first_cache) return all + layer.tile->positions;
    return 16 * layer.tile->positions;
  }

  static void add_affine(const NodeAffine& affine, LayerStep& layer) {
    const std::size_t padded = static_cast<std::size_t>(layer.blocks) * layer.tile->channels;
    layer.multiplier = affine.multiplier;
    layer.multiplier.resize(padded);
    if (affine.window_multiplier.empty()) return;
    layer.window_multiplier = affine.window_multiplier;
    layer.window_multiplier.resize(padded);
    layer.step_masks.assign(std::size_t{4} * layer.steps(), 0);
    for (const std::int32_t slot : layer.gather.slots) layer.step_masks[slot] = 1;
  }

  void add_pool(int n, int kernel, int stride, Destination to, int end, bool average) {
    PoolStep pool;
    pool.average = average;
    pool.in = source(n);
    const Buffer& in = plan_.buffers[pool.in];
    const Shape& out = plan_.infos[n].shape;
    pool.in_offsets = in.offsets(out.height, out.width, stride, 0);
    pool.step_offsets = in.offsets(kernel, kernel, 1, 0);
    for (std::int32_t& offset : pool.step_offsets) offset -= in.offset(0, 0);
    pool.to = std::move(to);
    if (average) {
      const std::vector<float>& multiplier = plan_.model.affine[n].multiplier;
      const bool affine = std::holds_alternative<ChannelAffine>(nodes()[n].op);
      if (affine) pool.affine_node = n;
      pool.multiplier = affine ? multiplier : std::vector<float>(out.channels, multiplier[0]);
      pool.multiplier.resize(4 * in.groups.size());
      plan_.steps_until[n] = plan_.steps.size() + 1;
    } else {
      pool.to.offsets = plan_.buffers[pool.to.buffer].offsets(out.height, out.width, 1, 0);
    }
    finish_step(end, std::move(pool));
  }

  void add_addition(int n) {
    const int layer = joined_layer(n);
    if (layer >= 0 && joining_add(layer) == n) return add_layer(layer, n);
    AddStep add;
    const Shape& shape = plan_.infos[n].shape;
    for (int i = 0; i < 2; ++i) {
      add.in[i] = source(n, i);
      add.in_offsets[i] = plan_.buffers[add.in[i]].offsets(shape.height, shape.width, 1, 0);
      add.multiplier[i] = plan_.model.affine[n].multiplier[i];
    }
    add.to = destination(n, reader(n));
    finish_step(reader(n), std::move(add));
  }

  void add_flatten(int n) {
    if (is_alias(n)) {
      plan_.buffer_of_node[n] = source(n);
      plan_.steps_until[n] = plan_.steps_until[nodes()[n].inputs[0]];
      return;
    }
    const int in = source(n);
    const int out = add_buffer(n);
    finish_step(n, FlattenStep{in, out});
  }

  bool fuse_;
  Plan plan_;
  std::vector<std::vector<int>> readers_;
  std::set<int> covered_;  ///< nodes that a step of an earlier node computes
};

}  // namespace

Plan compile(const Model& model, const Kernels& kernels, bool fuse) {
  return Compiler(model, kernels, fuse).compile();
}

}  // namespace flatenn::int8
