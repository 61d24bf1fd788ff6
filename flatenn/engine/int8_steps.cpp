#include "flatenn/engine/int8_steps.h"

#include <algorithm>
#include <cstring>
#include <variant>

namespace flatenn::int8 {
namespace {

Sink sink(const Destination& to, const Workplace& at) {
  Sink sink;
  sink.channels = to.channels;
  if (to.buffer == logits) {
    sink.values = at.logits;
    return sink;
  }
  const Buffer& buffer = at.plan->buffers[to.buffer];
  sink.low = to.low;
  sink.high = to.high;
  sink.zero_point = 0x01010101u * static_cast<std::uint32_t>(buffer.zero_point);
  sink.out = at.arena + at.plan->places[to.buffer];
  sink.offsets = to.offsets.data();
  sink.group_stride = buffer.group_stride();
  return sink;
}

Residual residual(const JoinedAdd& add, const Workplace& at) {
  const Buffer& buffer = at.plan->buffers[add.in];
  return {at.cells(add.in),
          add.offsets.data(),
          buffer.group_stride(),
          buffer.zero_point,
          add.low,
          add.high,
          {add.multiplier[0], add.multiplier[1]}};
}

void sum_windows(const LayerStep& layer, const LayerArgs& args, const Workplace& at) {
  WindowArgs window;
  window.in = args.in;
  window.in_offsets = args.in_offsets;
  window.step_offsets = args.step_offsets;
  window.step_masks = layer.step_masks.data();
  window.steps = args.steps;
  window.positions = args.positions;
  window.start = -layer.zero_point * static_cast<std::int32_t>(layer.gather.slots.size());
  window.sums = at.windows;
  at.plan->kernels->window(window);
}

/// After the layer has left its values.
void normalise(const LayerStep& layer, const LayerArgs& layer_args, const Workplace& at) {
  GroupNormArgs args;
  args.channels = layer_args.sink.channels;
  args.groups = layer.norm.groups;
  args.positions = layer_args.positions;
  args.values = at.values;
  args.statistics = at.values + std::ptrdiff_t{args.channels} * args.positions * images_per_block;
  args.epsilon = layer.norm.epsilon;
  args.multiplier = layer.norm.multiplier.data();
  args.addend = at.weights->norm_addend(layer.tensor);
  args.sink = sink(layer.to, at);
  at.plan->kernels->group_norm(args);
}

/// Cells of the transformed patches of the tiles at work.
std::size_t patch_cells(const Winograd& winograd, const WinogradTile& tile) {
  return static_cast<std::size_t>(winograd_entries * winograd.groups) * tile.tiles;
}

void run_tiles(const Winograd& winograd, const LayerArgs& layer_args, const Workplace& at) {
  const WinogradTile& tile = at.plan->kernels->winograd;
  WinogradArgs args;
  args.layer = layer_args;
  args.patches = winograd.patches.data();
  args.positions = winograd.positions.data();
  args.tiles = static_cast<int>(winograd.patches.size());
  args.width = winograd.width;
  args.groups = winograd.groups;
  args.lift = winograd.lift;
  args.row_bytes = winograd.row_bytes;
  args.group_bytes = winograd.group_bytes;
  args.inputs = at.patches;
  args.sums =
      reinterpret_cast<std::int32_t*>(at.patches + patch_cells(winograd, tile) * cell_bytes);
  tile.run(args);
}

void run(const LayerStep& layer, const Workplace& at) {
  LayerArgs args;
  args.in = at.cells(layer.in);
  args.in_offsets = layer.in_offsets.data();
  args.step_offsets = layer.gather.step_offsets.data();
  args.steps = layer.steps();
  args.positions = static_cast<int>(layer.to.buffer == logits ? layer.in_offsets.size()
                                                              : layer.to.offsets.size());
  args.positions_at_once = layer.positions_at_once;
  args.blocks = layer.blocks;
  args.weights = at.weights->weights(layer.tensor);
  args.bias = at.weights->bias(layer.tensor);
  args.multiplier = layer.multiplier.data();
  args.addend = at.weights->addend(layer.tensor);
  args.sink = sink(layer.to, at);
  const bool norm = layer.norm.node >= 0;
  if (norm) {
    args.sink = {};
    args.sink.channels = layer.to.channels;
    args.sink.values = at.values;
    args.sink.value_positions = args.positions;
  }
  if (layer.add.in >= 0) args.residual = residual(layer.add, at);
  if (!layer.step_masks.empty()) {
    sum_windows(layer, args, at);
    args.window = at.windows;
    args.window_multiplier = layer.window_multiplier.data();
  }
  if (layer.winograd) {
    run_tiles(*layer.winograd, args, at);
  } else {
    (layer.low_bytes ? layer.tile->run_low : layer.tile->run)(args);
  }
  if (norm) normalise(layer, args, at);
}

void run(const PoolStep& pool, const Workplace& at) {
  const Buffer& in = at.plan->buffers[pool.in];
  PoolArgs args;
  args.in = at.cells(pool.in);
  args.in_group_stride = in.group_stride();
  args.in_offsets = pool.in_offsets.data();
  args.step_offsets = pool.step_offsets.data();
  args.steps = static_cast<int>(pool.step_offsets.size());
  args.positions = static_cast<int>(pool.in_offsets.size());
  args.groups = static_cast<int>(in.groups.size());
  args.start = -in.zero_point * args.steps;
  args.multiplier = pool.multiplier.data();
  if (pool.affine_node >= 0) args.addend = at.weights->node_addend(pool.affine_node);
  args.sink = sink(pool.to, at);
  (pool.average ? at.plan->kernels->average : at.plan->kernels->max_pool)(args);
}

void run(const AddStep& add, const Workplace& at) {
  AddArgs args;
  for (int i = 0; i < 2; ++i) {
    const Buffer& in = at.plan->buffers[add.in[i]];
    args.in[i] = at.cells(add.in[i]);
    args.in_group_stride[i] = in.group_stride();
    args.in_offsets[i] = add.in_offsets[i].data();
    args.zero_point[i] = in.zero_point;
    args.multiplier[i] = add.multiplier[i];
  }
  args.positions = static_cast<int>(add.in_offsets[0].size());
  args.groups = static_cast<int>(at.plan->buffers[add.in[0]].groups.size());
  args.sink = sink(add.to, at);
  at.plan->kernels->add(args);
}

void run(const FlattenStep& flatten, const Workplace& at) {
  const Buffer& in = at.plan->buffers[flatten.in];
  const Buffer& out = at.plan->buffers[flatten.out];
  std::uint8_t* to = at.arena + at.plan->places[flatten.out];
  const std::uint8_t* from = at.cells(flatten.in);
  for (int e = 0; e < out.shape.channels; ++e) {
    const std::int64_t source = in.byte_of(e);
    const std::int64_t target = out.byte_of(e);
    for (int i = 0; i < images_per_block; ++i) to[target + 4 * i] = from[source + 4 * i];
  }
}

void run(const TwinStep& twin, const Workplace& at) {
  const Buffer& buffer = at.plan->buffers[twin.buffer];
  TwinArgs args;
  args.cells = at.arena + at.plan->places[twin.buffer] +
               (std::ssize(buffer.groups) - 1) * buffer.group_stride();
  args.count = buffer.group_stride() / cell_bytes;
  at.plan->kernels->twin(args);
}

}  // namespace

const std::uint8_t* Workplace::cells(int buffer) const {
  if (buffer == 0) return image;
  const std::uint8_t* kept = prefix == nullptr ? nullptr : prefix->cells(buffer, block);
  return kept != nullptr ? kept : arena + plan->places[buffer];
}

std::size_t window_bytes(const Plan& plan) {
  std::size_t windows = 0;
  for (const Step& step : plan.steps) {
    const auto* layer = std::get_if<LayerStep>(&step);
    if (layer == nullptr || layer->step_masks.empty()) continue;
    windows = std::max(windows, layer->in_offsets.size());
  }
  return windows * images_per_block * sizeof(std::int32_t);
}

std::size_t value_bytes(const Plan& plan) {
  std::size_t floats = 0;
  for (const Step& step : plan.steps) {
    if (const auto* layer = std::get_if<LayerStep>(&step)) {
      floats = std::max(floats, layer->norm_floats());
    }
  }
  return floats * sizeof(float);
}

std::size_t patch_bytes(const Plan& plan) {
  const WinogradTile& tile = plan.kernels->winograd;
  std::size_t cells = 0;
  for (const Step& step : plan.steps) {
    const auto* layer = std::get_if<LayerStep>(&step);
    if (layer == nullptr || !layer->winograd) continue;
    cells = std::max(cells, patch_cells(*layer->winograd, tile));
  }
  if (cells == 0) return 0;
  return (cells + std::size_t{2} * tile.tiles * tile.channels * winograd_entries) * cell_bytes;
}

void fill_borders(const Plan& plan, std::uint8_t* arena) {
  for (std::size_t b = 1; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    std::memset(arena + plan.places[b], buffer.zero_point,
                static_cast<std::size_t>(buffer.bytes()));
  }
}

void run_step(const Step& step, const Workplace& place) {
  std::visit([&](const auto& op) { run(op, place); }, step);
}

}  // namespace flatenn::int8
