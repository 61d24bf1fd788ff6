#include "flatenn/engine/int8_testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/engine/int8_bytes.h"

namespace flatenn::int8 {
namespace {

/// Where a kernel writes, and what was there before.
struct Target {
  AlignedBytes bytes;
  std::vector<std::uint8_t> before;
  std::vector<std::int32_t> offsets;
  Sink sink;
};

float code_of(const Sink& sink, float value) {
  return std::nearbyint(std::clamp(value, sink.low, sink.high));
}

/// One draw of everything. A kernel that has differed ends the draw.
class KernelCheck {
 public:
  KernelCheck(const Kernels& kernels, std::uint64_t seed)
      : kernels_(kernels), stream_(seed, Purpose::test, 3), coarse_(between(0, 2) == 0) {}

  std::string run() {
    check_tile("many", kernels_.many, false);
    check_tile("single", kernels_.single, true);
    check_pooled("pooled", kernels_.pooled);
    check_pooled("pooled_six", kernels_.pooled_six);
    check_window();
    check_max_pool();
    check_average();
    check_add();
    check_twin();
    return difference_;
  }

 private:
  static constexpr int in_cells = 24;
  using Value = std::function<float(int channel, int position, int image)>;

  int between(int low, int high) {
    return low + static_cast<int>(stream_.below(static_cast<std::uint64_t>(high - low + 1)));
  }

  // Coarse draws meet ties of the rounding; the others meet the extremes, where a product of two
  // pairs in 16 bits would saturate.
  std::uint8_t byte(int max_byte) {
    if (coarse_) return static_cast<std::uint8_t>(between(0, 3));
    return static_cast<std::uint8_t>(between(0, 3) == 0 ? max_byte : between(0, max_byte));
  }
  std::int8_t weight() {
    if (coarse_) return static_cast<std::int8_t>(between(-2, 2));
    const int extreme = between(0, 7);
    return static_cast<std::int8_t>(extreme == 0 ? -128 : extreme == 1 ? 127 : between(-128, 127));
  }
  std::int32_t start() { return coarse_ ? between(-9, 9) : between(-1000000, 1000000); }
  float factor(double scale) {
    if (coarse_) return static_cast<float>(between(-2, 2)) / 2;
    return static_cast<float>(scale * (2 * stream_.uniform() - 1));
  }

  AlignedBytes cells(int count, int max_byte) {
    AlignedBytes result(static_cast<std::size_t>(count) * cell_bytes);
    std::generate_n(result.data(), count * cell_bytes, [&] { return byte(max_byte); });
    return result;
  }
  /// Offsets of `count` cells among the first half: two of them, added, stay within the cells.
  std::vector<std::int32_t> offsets(int count) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count));
    for (auto& offset : result) offset = cell_bytes * between(0, in_cells / 2 - 1);
    return result;
  }
  template <class T, class F>
  std::vector<T> draw(int count, F f) {
    std::vector<T> result(static_cast<std::size_t>(count));
    std::generate(result.begin(), result.end(), f);
    return result;
  }

  /// Room for the results, in random order and with cells between that nobody may touch.
  Target target(int channels, int positions, bool to_logits) {
    Target t;
    t.sink.channels = channels;
    const int plane = positions + 3;
    const int planes = (channels + 3) / 4 + 1;
    const int size =
        to_logits ? (channels + 1) * images_per_block * 4 : plane * planes * cell_bytes;
    t.bytes = AlignedBytes(static_cast<std::size_t>(size));
    t.before = draw<std::uint8_t>(size, [&] { return static_cast<std::uint8_t>(between(0, 255)); });
    std::ranges::copy(t.before, t.bytes.data());
    if (to_logits) {
      t.sink.values = reinterpret_cast<float*>(t.bytes.data());
      return t;
    }
    std::vector<std::uint32_t> order(static_cast<std::size_t>(plane));
    random_permutation(stream_, order);
    for (int n = 0; n < positions; ++n) {
      t.offsets.push_back(static_cast<std::int32_t>(order[n]) * cell_bytes);
    }
    const int bits = between(2, 8);
    const int zero_point = between(0, 1) << (bits - 1);
    t.sink.low = static_cast<float>(-zero_point);
    t.sink.high = static_cast<float>((1 << bits) - 1 - zero_point);
    t.sink.zero_point = 0x01010101u * static_cast<std::uint32_t>(zero_point);
    t.sink.out = t.bytes.data();
    t.sink.offsets = t.offsets.data();
    t.sink.group_stride = std::ptrdiff_t{plane} * cell_bytes;
    return t;
  }

  void compare(const std::string& kernel, const std::vector<std::uint8_t>& expected,
               const std::uint8_t* actual) {
    for (std::size_t i = 0; i < expected.size() && difference_.empty(); ++i) {
      if (expected[i] == actual[i]) continue;
      difference_ = fmt::format("{}: byte {} of {} is {}, not {}", kernel, i, expected.size(),
                                actual[i], expected[i]);
    }
  }

  void compare(const std::string& kernel, const Target& t, int positions, const Value& value) {
    std::vector<std::uint8_t> expected = t.before;
    const Sink& sink = t.sink;
    const auto zero_point = static_cast<int>(sink.zero_point & 0xff);
    // Lanes of the last cell beyond the channels that exist may hold anything.
    const int lanes = sink.values != nullptr ? sink.channels : (sink.channels + 3) / 4 * 4;
    for (int c = 0; c < lanes; ++c) {
      for (int n = 0; n < positions; ++n) {
        for (int i = 0; i < images_per_block; ++i) {
          if (sink.values != nullptr) {
            const float v = value(c, n, i);
            std::memcpy(&expected[(c * images_per_block + i) * 4], &v, sizeof v);
            continue;
          }
          const std::size_t at = t.offsets[n] + c / 4 * sink.group_stride + 4 * i + c % 4;
          expected[at] = c >= sink.channels
                             ? t.bytes.data()[at]
                             : static_cast<std::uint8_t>(
                                   static_cast<int>(code_of(sink, value(c, n, i))) + zero_point);
        }
      }
    }
    compare(kernel, expected, t.bytes.data());
  }

  /// What all layers share; `channels` is that of the tile.
  struct Layer {
    AlignedBytes in, window;
    std::vector<std::int32_t> in_offsets, step_offsets, bias;
    std::vector<std::int8_t> weights;
    std::vector<float> multiplier, addend, window_multiplier;
    LayerArgs args;

    float value(int tile_channels, int channel, int in_position, int image) const {
      const int block = channel / tile_channels;
      std::int64_t sum = bias[channel];
      for (int k = 0; k < args.steps; ++k) {
        for (int lane = 0; lane < 4; ++lane) {
          const int w = ((block * args.steps + k) * tile_channels + channel % tile_channels) * 4;
          sum += weights[w + lane] *
                 in.data()[in_offsets[in_position] + step_offsets[k] + 4 * image + lane];
        }
      }
      float v = static_cast<float>(sum) * multiplier[channel];
      if (args.window != nullptr) {
        const float s = static_cast<float>(args.window[in_position * images_per_block + image]);
        v = v + s * window_multiplier[channel];
      }
      return v + addend[channel];
    }
  };

  Layer layer(int tile_channels, int blocks, int in_positions, int max_byte) {
    Layer x;
    x.in = cells(in_cells, max_byte);
    x.in_offsets = offsets(in_positions);
    x.args.steps = between(1, 9);
    x.step_offsets = offsets(x.args.steps);
    const int channels = blocks * tile_channels;
    x.weights = draw<std::int8_t>(channels * x.args.steps * 4, [&] { return weight(); });
    x.bias = draw<std::int32_t>(channels, [&] { return start(); });
    x.multiplier = draw<float>(channels, [&] { return factor(1e-3); });
    x.addend = draw<float>(channels, [&] { return factor(50); });
    x.window_multiplier = draw<float>(channels, [&] { return factor(1e-3); });
    x.args.in = x.in.data();
    x.args.in_offsets = x.in_offsets.data();
    x.args.step_offsets = x.step_offsets.data();
    x.args.blocks = blocks;
    x.args.weights = x.weights.data();
    x.args.bias = x.bias.data();
    x.args.multiplier = x.multiplier.data();
    x.args.addend = x.addend.data();
    return x;
  }

  void add_window(Layer& x, int positions) {
    x.window = AlignedBytes(static_cast<std::size_t>(positions) * cell_bytes);
    auto* sums = reinterpret_cast<std::int32_t*>(x.window.data());
    std::generate_n(sums, positions * images_per_block, [&] { return start(); });
    x.args.window = sums;
    x.args.window_multiplier = x.window_multiplier.data();
  }

  void check_tile(const std::string& name, const Tile& tile, bool may_be_last) {
    for (const bool low : {false, true}) {
      const bool to_logits = may_be_last && between(0, 1) == 1;
      const int positions = to_logits ? 1 : tile.positions + between(0, 11);
      const int blocks = between(1, 3);
      Layer x = layer(tile.channels, blocks, positions, low ? 127 : 255);
      if (between(0, 1) == 1) add_window(x, positions);
      const int channels = blocks * tile.channels - between(0, tile.channels - 1);
      const Target t = target(channels, positions, to_logits);
      x.args.positions = positions;
      x.args.positions_at_once = tile.positions * between(1, 4);
      x.args.sink = t.sink;
      (low ? tile.run_low : tile.run)(x.args);
      compare(name + (low ? " low" : ""), t, positions,
              [&](int c, int n, int i) { return x.value(tile.channels, c, n, i); });
    }
  }

  void check_pooled(const std::string& name, const Tile& tile) {
    if (tile.channels == 0) return;
    for (const bool low : {false, true}) {
      const int positions = between(1, 6);
      // Cells hold four channels: blocks of six would begin within one.
      const int blocks = tile.channels % 4 == 0 ? between(1, 3) : 1;
      Layer x = layer(tile.channels, blocks, 4 * positions, low ? 127 : 255);
      const int spare = tile.channels % 4 == 0 ? between(0, tile.channels - 1) : 0;
      const Target t = target(blocks * tile.channels - spare, positions, false);
      x.args.positions = positions;
      x.args.sink = t.sink;
      (low ? tile.run_low : tile.run)(x.args);
      compare(name + (low ? " low" : ""), t, positions, [&](int c, int n, int i) {
        float best = t.sink.low;
        for (int k = 0; k < 4; ++k) {
          best = std::max(best, code_of(t.sink, x.value(tile.channels, c, 4 * n + k, i)));
        }
        return best;
      });
    }
  }

  void check_window() {
    const int positions = between(1, 9);
    const int steps = between(1, 9);
    const AlignedBytes in = cells(in_cells, 255);
    const auto in_offsets = offsets(positions);
    const auto step_offsets = offsets(steps);
    const auto masks =
        draw<std::int8_t>(4 * steps, [&] { return static_cast<std::int8_t>(between(0, 1)); });
    const AlignedBytes sums = cells(positions, 255);  // overwritten
    const std::int32_t first = -between(0, 10000);
    kernels_.window({in.data(), in_offsets.data(), step_offsets.data(), masks.data(), steps,
                     positions, first, reinterpret_cast<std::int32_t*>(sums.data())});
    std::vector<std::uint8_t> expected(static_cast<std::size_t>(positions) * cell_bytes);
    for (int n = 0; n < positions; ++n) {
      for (int i = 0; i < images_per_block; ++i) {
        std::int32_t sum = first;
        for (int tap = 0; tap < 4 * steps; ++tap) {
          if (masks[tap] == 0) continue;
          sum += in.data()[in_offsets[n] + step_offsets[tap / 4] + 4 * i + tap % 4];
        }
        std::memcpy(&expected[(n * images_per_block + i) * 4], &sum, sizeof sum);
      }
    }
    compare("window", expected, sums.data());
  }

  /// Pooling over cells and offsets that outlive it in `in` and `x`.
  struct Pool {
    AlignedBytes in;
    std::vector<std::int32_t> in_offsets, step_offsets;
    PoolArgs args;

    int byte(int channel, int position, int step, int image) const {
      return in.data()[channel / 4 * args.in_group_stride + in_offsets[position] +
                       step_offsets[step] + 4 * image + channel % 4];
    }
  };

  Pool pool(int groups) {
    Pool x;
    x.in = cells(groups * in_cells, 255);
    x.args.positions = between(1, 9);
    x.args.steps = between(1, 9);
    x.args.groups = groups;
    x.in_offsets = offsets(x.args.positions);
    x.step_offsets = offsets(x.args.steps);
    x.args.in = x.in.data();
    x.args.in_group_stride = std::ptrdiff_t{in_cells} * cell_bytes;
    x.args.in_offsets = x.in_offsets.data();
    x.args.step_offsets = x.step_offsets.data();
    return x;
  }

  /// Bytes, not codes: the zero point is in and out the same, and every lane is pooled.
  void check_max_pool() {
    const int groups = between(1, 3);
    Pool x = pool(groups);
    Target t = target(4 * groups, x.args.positions, false);
    x.args.sink = t.sink;
    kernels_.max_pool(x.args);
    t.sink.zero_point = 0;
    t.sink.low = 0;
    t.sink.high = 255;
    compare("max_pool", t, x.args.positions, [&](int c, int n, int i) {
      int best = 0;
      for (int k = 0; k < x.args.steps; ++k) best = std::max(best, x.byte(c, n, k, i));
      return static_cast<float>(best);
    });
  }

  void check_average() {
    const int groups = between(1, 3);
    const bool to_logits = between(0, 1) == 1;
    Pool x = pool(groups);
    if (to_logits) x.args.positions = 1;
    const Target t = target(4 * groups - between(0, 3), x.args.positions, to_logits);
    x.args.start = -between(0, 128) * x.args.steps;
    std::vector<float> multiplier, addend;
    for (int c = 0; c < 4 * groups; ++c) {
      multiplier.push_back(factor(1));
      addend.push_back(factor(100));
    }
    x.args.multiplier = multiplier.data();
    const bool adds = between(0, 1) == 1;
    if (adds) x.args.addend = addend.data();
    x.args.sink = t.sink;
    kernels_.average(x.args);
    compare("average", t, x.args.positions, [&](int c, int n, int i) {
      int sum = x.args.start;
      for (int k = 0; k < x.args.steps; ++k) sum += x.byte(c, n, k, i);
      const float v = static_cast<float>(sum) * multiplier[c];
      return adds ? v + addend[c] : v;
    });
  }

  void check_add() {
    const int groups = between(1, 3);
    const bool to_logits = between(0, 1) == 1;
    const int positions = to_logits ? 1 : between(1, 9);
    const AlignedBytes in[2] = {cells(groups * in_cells, 255), cells(groups * in_cells, 255)};
    const std::vector<std::int32_t> in_offsets[2] = {offsets(positions), offsets(positions)};
    AddArgs args;
    for (int side = 0; side < 2; ++side) {
      args.in[side] = in[side].data();
      // Two tensors may have borders of their own.
      args.in_group_stride[side] = (in_cells - 3 * side) * cell_bytes;
      args.in_offsets[side] = in_offsets[side].data();
      args.zero_point[side] = coarse_ ? between(0, 2) : between(0, 128);
      args.multiplier[side] = factor(1);
    }
    const Target t = target(4 * groups - between(0, 3), positions, to_logits);
    args.positions = positions;
    args.groups = groups;
    args.sink = t.sink;
    kernels_.add(args);
    compare("add", t, positions, [&](int c, int n, int i) {
      float v[2];
      for (int side = 0; side < 2; ++side) {
        const int x =
            in[side]
                .data()[c / 4 * args.in_group_stride[side] + in_offsets[side][n] + 4 * i + c % 4];
        v[side] = static_cast<float>(x - args.zero_point[side]) * args.multiplier[side];
      }
      return v[0] + v[1];
    });
  }

  void check_twin() {
    const AlignedBytes bytes = cells(in_cells, 255);
    std::vector<std::uint8_t> expected(bytes.data(), bytes.data() + in_cells * cell_bytes);
    const int count = between(1, in_cells);
    kernels_.twin({bytes.data(), count});
    for (int at = 0; at < (count - 1) * cell_bytes; ++at) {
      if (at % 4 >= 2) expected[at] = expected[at + cell_bytes - 2];
    }
    compare("twin", expected, bytes.data());
  }

  const Kernels& kernels_;
  RandomStream stream_;
  bool coarse_;
  std::string difference_;
};

}  // namespace

std::string difference_from_loops(const Kernels& kernels, std::uint64_t seed) {
  return KernelCheck(kernels, seed).run();
}

}  // namespace flatenn::int8
