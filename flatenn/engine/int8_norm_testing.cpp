#include "flatenn/engine/int8_norm_testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/engine/int8_bytes.h"

namespace flatenn::int8 {
namespace {

class NormCheck {
 public:
  NormCheck(const Kernels& kernels, std::uint64_t seed)
      : kernels_(kernels), stream_(seed, Purpose::test, 4) {
    groups_ = between(1, 9);
    channels_ = groups_ * between(1, 5);
    to_values_ = between(0, 3) == 0;
    positions_ = to_values_ && between(0, 1) == 0 ? 1 : between(1, 20);
    bits_ = between(2, 8);
    zero_point_ = between(0, 1) << (bits_ - 1);
    draw_values();
  }

  std::string run() {
    const int cells = (channels_ + 3) / 4 * positions_;
    const int size = to_values_ ? channels_ * positions_ * cell_bytes : cells * cell_bytes;
    AlignedBytes out(static_cast<std::size_t>(size));
    std::generate_n(out.data(), size, [&] { return static_cast<std::uint8_t>(between(0, 255)); });
    AlignedBytes statistics(static_cast<std::size_t>(groups_) * 2 * cell_bytes);
    kernels_.group_norm(arguments(out.data(), statistics));
    return compare(out.data());
  }

 private:
  int between(int low, int high) {
    return low + static_cast<int>(stream_.below(static_cast<std::uint64_t>(high - low + 1)));
  }

  /// Small whole numbers meet ties of the rounding; equal ones have no variance; others lie far
  /// from zero, where the mean's digits matter.
  void draw_values() {
    const int kind = between(0, 3);
    const double center = between(-1, 1) * std::pow(10, between(0, 4));
    values_ = AlignedBytes(static_cast<std::size_t>(channels_) * positions_ * cell_bytes);
    auto* values = reinterpret_cast<float*>(values_.data());
    std::generate_n(values, channels_ * positions_ * images_per_block, [&] {
      if (kind == 0) return static_cast<float>(between(-2, 2));
      return static_cast<float>(center + (kind == 1 ? 0 : stream_.normal()));
    });
    for (int c = 0; c < channels_; ++c) {
      multiplier_.push_back(static_cast<float>(4 * stream_.normal()));
      addend_.push_back(kind == 0 ? 0.5f : static_cast<float>(4 * stream_.normal()));
    }
    for (int n = 0; n < positions_; ++n) offsets_.push_back(n * cell_bytes);
  }

  GroupNormArgs arguments(std::uint8_t* out, AlignedBytes& statistics) const {
    GroupNormArgs args;
    args.values = reinterpret_cast<const float*>(values_.data());
    args.statistics = reinterpret_cast<float*>(statistics.data());
    args.channels = channels_;
    args.groups = groups_;
    args.positions = positions_;
    args.epsilon = epsilon;
    args.multiplier = multiplier_.data();
    args.addend = addend_.data();
    args.sink.channels = channels_;
    if (to_values_) {
      args.sink.values = reinterpret_cast<float*>(out);
      args.sink.value_positions = positions_;
      return args;
    }
    args.sink.low = static_cast<float>(-zero_point_);
    args.sink.high = static_cast<float>((1 << bits_) - 1 - zero_point_);
    args.sink.zero_point = 0x01010101u * static_cast<std::uint32_t>(zero_point_);
    args.sink.out = out;
    args.sink.offsets = offsets_.data();
    args.sink.group_stride = std::ptrdiff_t{positions_} * cell_bytes;
    return args;
  }

  float value(int channel, int position, int image) const {
    const auto* values = reinterpret_cast<const float*>(values_.data());
    return values[(channel * positions_ + position) * images_per_block + image];
  }

  float normalised(int channel, int position, int image) const {
    const int width = channels_ / groups_;
    const int first = channel / width * width;
    const double count = width * positions_;
    double sum = 0;
    double squares = 0;
    for (int c = first; c < first + width; ++c) {
      for (int n = 0; n < positions_; ++n) sum += value(c, n, image);
    }
    const double mean = sum / count;
    for (int c = first; c < first + width; ++c) {
      for (int n = 0; n < positions_; ++n) {
        const double distance = value(c, n, image) - mean;
        squares += distance * distance;
      }
    }
    const auto gain = static_cast<float>(1 / std::sqrt(squares / count + epsilon));
    const float centred = value(channel, position, image) - static_cast<float>(mean);
    return centred * gain * multiplier_[channel] + addend_[channel];
  }

  std::string compare(const std::uint8_t* out) const {
    for (int c = 0; c < channels_; ++c) {
      for (int n = 0; n < positions_; ++n) {
        for (int i = 0; i < images_per_block; ++i) {
          const float expected = normalised(c, n, i);
          float actual;
          if (to_values_) {
            std::memcpy(&actual, out + 4 * ((c * positions_ + n) * images_per_block + i), 4);
            if (actual == expected) continue;
          } else {
            actual = out[(c / 4 * positions_ + n) * cell_bytes + 4 * i + c % 4];
            actual -= static_cast<float>(zero_point_);
            const auto low = static_cast<float>(-zero_point_);
            const float high = low + static_cast<float>((1 << bits_) - 1);
            if (actual == std::nearbyint(std::clamp(expected, low, high))) continue;
          }
          return fmt::format("group_norm: channel {} of {}, position {}, image {}: {}, not {}", c,
                             channels_, n, i, actual, expected);
        }
      }
    }
    return "";
  }

  static constexpr double epsilon = 1e-5f;
  const Kernels& kernels_;
  RandomStream stream_;
  int groups_, channels_, positions_, bits_, zero_point_;
  bool to_values_;
  AlignedBytes values_;
  std::vector<float> multiplier_, addend_;
  std::vector<std::int32_t> offsets_;
};

}  // namespace

std::string norm_difference_from_loops(const Kernels& kernels, std::uint64_t seed) {
  return NormCheck(kernels, seed).run();
}

}  // namespace flatenn::int8
