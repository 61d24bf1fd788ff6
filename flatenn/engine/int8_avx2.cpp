// Compiled for AVX2 whatever the rest of the program is compiled for.
#include "flatenn/engine/int8_kernel_templates.h"

#if defined(__AVX2__)
#include <immintrin.h>

namespace flatenn::int8 {
namespace {

/// Everything but the products.
struct Avx2Base {
  static constexpr int lanes = 8;
  using Int = __m256i;
  using Float = __m256;

  static __m256i load_vector(const void* p) {
    return _mm256_load_si256(static_cast<const __m256i*>(p));
  }
  static __m256i four_weights(const std::int8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
  }

  static Int load_cell(const std::uint8_t* p) { return load_vector(p); }
  static Int load_int(const std::int32_t* p) { return load_vector(p); }
  static void store(void* p, Int x) { _mm256_store_si256(static_cast<__m256i*>(p), x); }
  static void store(float* p, Float v) { _mm256_store_ps(p, v); }

  static Int set_int(std::int32_t i) { return _mm256_set1_epi32(i); }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int max_bytes(Int a, Int b) { return _mm256_max_epu8(a, b); }
  static Int low_half(Int a) { return _mm256_and_si256(a, _mm256_set1_epi32(0xffff)); }
  template <int n>
  static Int shift_left(Int a) {
    return _mm256_slli_epi32(a, n);
  }
  template <int i>
  static Int byte(Int a) {
    return _mm256_and_si256(_mm256_srli_epi32(a, 8 * i), _mm256_set1_epi32(0xff));
  }

  static Float set_float(float v) { return _mm256_set1_ps(v); }
  static Float to_float(Int a) { return _mm256_cvtepi32_ps(a); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float load_float(const float* p) { return _mm256_load_ps(p); }
  static Float nearest(Float v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Int round(Float v) { return _mm256_cvtps_epi32(v); }

  struct Double {
    __m256d low, high;
  };
  static Double set_double(double v) { return {_mm256_set1_pd(v), _mm256_set1_pd(v)}; }
  static Double widen(Float v) {
    return {_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
            _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))};
  }
  static Float narrow(Double v) {
    return _mm256_set_m128(_mm256_cvtpd_ps(v.high), _mm256_cvtpd_ps(v.low));
  }
  static Double add(Double a, Double b) {
    return {_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
  }
  static Double sub(Double a, Double b) {
    return {_mm256_sub_pd(a.low, b.low), _mm256_sub_pd(a.high, b.high)};
  }
  static Double mul(Double a, Double b) {
    return {_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
  }
  static Double div(Double a, Double b) {
    return {_mm256_div_pd(a.low, b.low), _mm256_div_pd(a.high, b.high)};
  }
  static Double sqrt(Double a) { return {_mm256_sqrt_pd(a.low), _mm256_sqrt_pd(a.high)}; }
};

/// Input bytes up to 127: a pair of products stays within 16 bits, 2 * 127 * 128 < 2^15.
struct Avx2Low : Avx2Base {
  using Bytes = __m256i;
  using Weight = __m256i;
  static Bytes load(const std::uint8_t* p) { return load_vector(p); }
  static Weight weight(const std::int8_t* p) { return four_weights(p); }
  static Int dot(Int acc, Bytes x, Weight w) {
    const __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

/// Any input bytes: even and odd bytes are widened to 16 bits first.
struct Avx2 : Avx2Base {
  struct Bytes {
    __m256i even, odd;
  };
  using Weight = Bytes;
  static Bytes load(const std::uint8_t* p) {
    const __m256i x = load_vector(p);
    return {_mm256_and_si256(x, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(x, 8)};
  }
  static Weight weight(const std::int8_t* p) {
    const __m256i w = four_weights(p);
    return {_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_srai_epi16(w, 8)};
  }
  static Int dot(Int acc, const Bytes& x, const Weight& w) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x.even, w.even));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x.odd, w.odd));
  }
};

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kernels = make_kernels<Avx2>(
      make_tile<Avx2, Avx2Low, 4, 2>(), make_tile<Avx2, Avx2Low, 8, 1>(), Tile{}, Tile{});
  return __builtin_cpu_supports("avx2") ? &kernels : nullptr;
}

}  // namespace flatenn::int8
#else
namespace flatenn::int8 {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace flatenn::int8
#endif
