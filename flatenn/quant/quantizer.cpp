#include "flatenn/quant/quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// A grid needs levels that differ: ranges that vanish get the smallest normal spacing, so that
/// division stays finite and every code still reads as the one value there is.
float as_spacing(double spacing) {
  return std::max(static_cast<float>(spacing), std::numeric_limits<float>::min());
}

/// Precondition: one of the masters is not finite.
[[noreturn]] void fail_not_finite(std::span<const float> masters) {
  std::size_t i = 0;
  while (std::isfinite(masters[i])) ++i;
  fail("weight {} of {} is {}: training diverged; lower the learning rate or the radius", i,
       masters.size(), masters[i]);
}

struct Moments {
  double mean = 0;
  double deviation = 0;  ///< unbiased
};

Moments moments(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  if (!std::isfinite(squares)) fail_not_finite(values);
  if (values.size() < 2) return {mean, 0};
  return {mean, std::sqrt(squares / static_cast<double>(values.size() - 1))};
}

struct Bounds {
  double lo, hi;
};

Bounds range(std::span<const float> values) {
  FLATENN_ASSERT(!values.empty());
  Bounds bounds{values[0], values[0]};
  bool finite = true;
  for (const float value : values) {
    finite = finite && std::isfinite(value);
    bounds.lo = std::min<double>(bounds.lo, value);
    bounds.hi = std::max<double>(bounds.hi, value);
  }
  if (!finite) fail_not_finite(values);
  return bounds;
}

}  // namespace

bool has_step(WeightQuantizer quantizer) {
  return quantizer == WeightQuantizer::lsq || quantizer == WeightQuantizer::saq;
}

std::string_view to_string(WeightQuantizer quantizer) {
  switch (quantizer) {
    case WeightQuantizer::lsq:
      return "lsq";
    case WeightQuantizer::saq:
      return "saq";
    case WeightQuantizer::robust:
      return "robust";
    case WeightQuantizer::symmetric:
      return "symmetric";
  }
  FLATENN_ASSERT(!"a quantizer without a name");
  return "";
}

WeightQuantizer parse_weight_quantizer(std::string_view name) {
  for (const WeightQuantizer quantizer : {WeightQuantizer::lsq, WeightQuantizer::saq,
                                          WeightQuantizer::robust, WeightQuantizer::symmetric}) {
    if (name == to_string(quantizer)) return quantizer;
  }
  fail("unknown weight quantizer \"{}\"; known: lsq, saq, robust, symmetric", name);
}

void check_weight_format(const WeightFormat& format, std::string_view where) {
  check_format(format.code, where);
  const bool symmetric = format.code.min_code() == -format.code.max_code();
  if (format.quantizer == WeightQuantizer::saq && symmetric) {
    fail(
        "{}: quantizer saq uses all 2^bits words: encoding twos_complement or offset_binary, "
        "not saturating",
        where);
  }
  if (format.quantizer == WeightQuantizer::robust && !symmetric) {
    fail("{}: quantizer robust leaves the lowest word unused: codes must be saturating", where);
  }
}

WeightGrid lsq_grid(float step) {
  if (!std::isfinite(step)) fail("a weight step is {}: training diverged", step);
  return {.scale = as_spacing(std::abs(step))};
}

WeightGrid saq_grid(std::span<const float> masters, float clip, int bits, bool normalised) {
  FLATENN_ASSERT(!masters.empty() && bits >= 2 && bits <= 8);
  if (!std::isfinite(clip)) fail("a weight clip is {}: training diverged", clip);
  WeightGrid grid;
  grid.scale = as_spacing(2.0 * std::abs(clip) / ((1 << bits) - 1));
  grid.offset = grid.scale / 2;
  if (normalised) {
    const auto [mean, deviation] = moments(masters);
    grid.center = static_cast<float>(mean);
    if (deviation >= std::numeric_limits<float>::min()) {
      grid.spread = static_cast<float>(deviation);
    }
  }
  return grid;
}

WeightGrid robust_grid(std::span<const float> masters, int bits) {
  FLATENN_ASSERT(bits >= 2 && bits <= 8);
  const auto [lo, hi] = range(masters);
  const int highest = (1 << (bits - 1)) - 1;
  return {.scale = as_spacing((hi - lo) / 2 / highest),
          .offset = static_cast<float>((hi + lo) / 2)};
}

WeightGrid symmetric_grid(std::span<const float> masters, int bits) {
  FLATENN_ASSERT(bits >= 2 && bits <= 8);
  const auto [lo, hi] = range(masters);
  const double spacing = std::max(-lo, hi) / ((1 << (bits - 1)) - 1);
  // Rounded down: the largest master must not be truncated below its own level.
  const float scale = as_spacing(spacing);
  return {.scale = scale > spacing ? as_spacing(std::nextafter(scale, 0.0f)) : scale,
          .truncates = true};
}

void quantize_weights(std::span<const float> masters, const WeightGrid& grid,
                      const CodeFormat& format, std::span<std::int8_t> codes) {
  FLATENN_ASSERT(codes.size() == masters.size());
  const float lowest = static_cast<float>(format.min_code());
  const float highest = static_cast<float>(format.max_code());
  // Adding and taking away 1.5 * 2^23 rounds small floats half to even, on every processor and in
  // vector form; the bounds are integers, so clamping may come first.
  constexpr float kRound = 12582912.0f;
  bool finite = true;
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const float level = (normalise(masters[i], grid) - grid.offset) / grid.scale;
    const float above = level > lowest ? level : lowest;
    const float inside = above < highest ? above : highest;
    finite &= std::abs(masters[i]) <= std::numeric_limits<float>::max();
    const float rounded = (inside + kRound) - kRound;
    codes[i] = static_cast<std::int8_t>(static_cast<int>(grid.truncates ? inside : rounded));
  }
  if (!finite) fail_not_finite(masters);
}

}  // namespace flatenn
