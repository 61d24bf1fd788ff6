// Plain C++ over L images at a time, for any processor.
#include <cmath>
#include <cstring>

#include "flatenn/engine/int8_kernel_templates.h"
#include "flatenn/engine/int8_winograd_templates.h"

namespace flatenn::int8 {
namespace {

template <int L>
struct Plain {
  static constexpr int lanes = L;
  struct Int {
    std::int32_t v[lanes];
  };
  struct Float {
    float v[lanes];
  };
  struct Double {
    double v[lanes];
  };
  using Bytes = Int;
  struct Weight {
    std::int32_t v[4];
  };

  template <class Out, class F>
  static Out each(F f) {
    Out out;
    for (int i = 0; i < lanes; ++i) out.v[i] = f(i);
    return out;
  }
  static std::int32_t wrap(std::uint32_t u) { return static_cast<std::int32_t>(u); }
  static std::uint32_t bits(std::int32_t i) { return static_cast<std::uint32_t>(i); }

  static Bytes load(const std::uint8_t* p) { return load_cell(p); }
  static Weight weight(const std::int8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static Int dot(Int acc, Bytes x, Weight w) {
    return each<Int>([&](int i) {
      const std::uint32_t u = bits(x.v[i]);
      std::int32_t sum = w.v[0] * wrap(u & 0xff);
      sum += w.v[1] * wrap(u >> 8 & 0xff);
      sum += w.v[2] * wrap(u >> 16 & 0xff);
      sum += w.v[3] * wrap(u >> 24);
      return wrap(bits(acc.v[i]) + bits(sum));
    });
  }

  // The first channel of a cell is the lowest byte, on any processor.
  static Int load_cell(const std::uint8_t* p) {
    return each<Int>([&](int i) {
      const std::uint8_t* b = p + 4 * i;
      return wrap(b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 |
                  std::uint32_t{b[3]} << 24);
    });
  }
  static void store(std::uint8_t* p, Int x) {
    for (int i = 0; i < 4 * lanes; ++i) {
      p[i] = static_cast<std::uint8_t>(bits(x.v[i / 4]) >> 8 * (i % 4));
    }
  }
  static Int load_int(const std::int32_t* p) {
    return each<Int>([&](int i) { return p[i]; });
  }
  static void store(std::int32_t* p, Int x) { std::memcpy(p, x.v, sizeof x.v); }
  static void store(float* p, Float v) { std::memcpy(p, v.v, sizeof v.v); }

  static Int set_int(std::int32_t value) {
    return each<Int>([&](int) { return value; });
  }
  static Int add(Int a, Int b) {
    return each<Int>([&](int i) { return wrap(bits(a.v[i]) + bits(b.v[i])); });
  }
  static Int sub(Int a, Int b) {
    return each<Int>([&](int i) { return wrap(bits(a.v[i]) - bits(b.v[i])); });
  }
  /// The same byte four times.
  static Int set_bytes(int byte) {
    return set_int(wrap(0x01010101u * static_cast<std::uint8_t>(byte)));
  }
  // Bytes wrap around one by one: the top bit of each is added apart, so that no carry leaves it.
  static Int add_bytes(Int a, Int b) {
    return each<Int>([&](int i) {
      const std::uint32_t x = bits(a.v[i]), y = bits(b.v[i]);
      return wrap(((x & 0x7f7f7f7f) + (y & 0x7f7f7f7f)) ^ ((x ^ y) & 0x80808080));
    });
  }
  static Int sub_bytes(Int a, Int b) {
    return each<Int>([&](int i) {
      const std::uint32_t x = bits(a.v[i]), y = bits(b.v[i]);
      return wrap(((x | 0x80808080) - (y & 0x7f7f7f7f)) ^ ((x ^ ~y) & 0x80808080));
    });
  }
  static Int max_bytes(Int a, Int b) {
    return each<Int>([&](int i) {
      std::uint32_t out = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        const std::uint32_t x = bits(a.v[i]) >> shift & 0xff;
        const std::uint32_t y = bits(b.v[i]) >> shift & 0xff;
        out |= (x > y ? x : y) << shift;
      }
      return wrap(out);
    });
  }
  static Int low_half(Int a) {
    return each<Int>([&](int i) { return a.v[i] & 0xffff; });
  }
  template <int n>
  static Int shift_left(Int a) {
    return each<Int>([&](int i) { return wrap(bits(a.v[i]) << n); });
  }
  template <int n>
  static Int shift_right(Int a) {
    return each<Int>([&](int i) { return a.v[i] >> n; });
  }
  template <int n>
  static Int byte(Int a) {
    return each<Int>([&](int i) { return wrap(bits(a.v[i]) >> 8 * n & 0xff); });
  }

  static Float set_float(float value) {
    return each<Float>([&](int) { return value; });
  }
  static Float to_float(Int a) {
    return each<Float>([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static Float mul(Float a, Float b) {
    return each<Float>([&](int i) { return a.v[i] * b.v[i]; });
  }
  static Float add(Float a, Float b) {
    return each<Float>([&](int i) { return a.v[i] + b.v[i]; });
  }
  static Float min(Float a, Float b) {
    return each<Float>([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Float max(Float a, Float b) {
    return each<Float>([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Float sub(Float a, Float b) {
    return each<Float>([&](int i) { return a.v[i] - b.v[i]; });
  }
  static Float load_float(const float* p) {
    return each<Float>([&](int i) { return p[i]; });
  }

  static Double set_double(double value) {
    return each<Double>([&](int) { return value; });
  }
  static Double widen(Float a) {
    return each<Double>([&](int i) { return static_cast<double>(a.v[i]); });
  }
  static Float narrow(Double a) {
    return each<Float>([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static Double add(Double a, Double b) {
    return each<Double>([&](int i) { return a.v[i] + b.v[i]; });
  }
  static Double sub(Double a, Double b) {
    return each<Double>([&](int i) { return a.v[i] - b.v[i]; });
  }
  static Double mul(Double a, Double b) {
    return each<Double>([&](int i) { return a.v[i] * b.v[i]; });
  }
  static Double div(Double a, Double b) {
    return each<Double>([&](int i) { return a.v[i] / b.v[i]; });
  }
  static Double sqrt(Double a) {
    return each<Double>([&](int i) { return std::sqrt(a.v[i]); });
  }

  static Float nearest(Float v) {
    return each<Float>([&](int i) { return std::nearbyint(v.v[i]); });
  }
  static Int round(Float v) {
    return each<Int>([&](int i) { return static_cast<std::int32_t>(std::nearbyint(v.v[i])); });
  }
};

using Portable = Plain<4>;

}  // namespace

const Kernels* portable_kernels() {
  static constexpr Kernels kernels = make_kernels<Portable>(
      make_tile<Portable, Portable, 4, 1>(), make_tile<Portable, Portable, 4, 1>(), Tile{}, Tile{},
      make_winograd_tile<Plain<images_per_block>, 4, 2>());
  return &kernels;
}

}  // namespace flatenn::int8
