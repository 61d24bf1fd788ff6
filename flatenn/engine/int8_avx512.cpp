// Compiled for AVX-512 VNNI whatever the rest of the program is compiled for.
#include "flatenn/engine/int8_kernel_templates.h"
#include "flatenn/engine/int8_winograd_templates.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include <immintrin.h>

namespace flatenn::int8 {
namespace {

struct Avx512 {
  static constexpr int lanes = 16;
  using Int = __m512i;
  using Float = __m512;
  using Bytes = __m512i;
  using Weight = __m512i;

  static Bytes load(const std::uint8_t* p) { return _mm512_load_si512(p); }
  static Weight weight(const std::int8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
  }
  /// Wraps around instead of saturating: exact modulo 2^32. Not the intrinsic, around which GCC 12
  /// copies accumulators wherever many of them start from one value.
  static Int dot(Int acc, Bytes x, Weight w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
  }

  static Int load_cell(const std::uint8_t* p) { return _mm512_load_si512(p); }
  static Int load_int(const std::int32_t* p) { return _mm512_load_si512(p); }
  static void store(std::uint8_t* p, Int x) { _mm512_store_si512(p, x); }
  static void store(std::int32_t* p, Int x) { _mm512_store_si512(p, x); }
  static void store(float* p, Float v) { _mm512_store_ps(p, v); }

  static Int set_int(std::int32_t i) { return _mm512_set1_epi32(i); }
  static Int add(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int sub(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int set_bytes(int i) { return _mm512_set1_epi8(static_cast<char>(i)); }
  static Int add_bytes(Int a, Int b) { return _mm512_add_epi8(a, b); }
  static Int sub_bytes(Int a, Int b) { return _mm512_sub_epi8(a, b); }
  static Int min(Int a, Int b) { return _mm512_min_epi32(a, b); }
  static Int max(Int a, Int b) { return _mm512_max_epi32(a, b); }
  static Int max_bytes(Int a, Int b) { return _mm512_max_epu8(a, b); }
  static Int low_half(Int a) { return _mm512_and_si512(a, _mm512_set1_epi32(0xffff)); }
  template <int n>
  static Int shift_left(Int a) {
    return _mm512_slli_epi32(a, n);
  }
  template <int n>
  static Int shift_right(Int a) {
    return _mm512_srai_epi32(a, n);
  }
  template <int i>
  static Int byte(Int a) {
    if constexpr (i == 3) return _mm512_srli_epi32(a, 24);
    return _mm512_and_si512(_mm512_srli_epi32(a, 8 * i), _mm512_set1_epi32(0xff));
  }

  static Float set_float(float v) { return _mm512_set1_ps(v); }
  static Float to_float(Int a) { return _mm512_cvtepi32_ps(a); }
  static Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float load_float(const float* p) { return _mm512_load_ps(p); }
  static Float nearest(Float v) {
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Int round(Float v) { return _mm512_cvtps_epi32(v); }

  struct Double {
    __m512d low, high;
  };
  static Double set_double(double v) { return {_mm512_set1_pd(v), _mm512_set1_pd(v)}; }
  static Double widen(Float v) {
    const __m256d high = _mm512_extractf64x4_pd(_mm512_castps_pd(v), 1);
    return {_mm512_cvtps_pd(_mm512_castps512_ps256(v)), _mm512_cvtps_pd(_mm256_castpd_ps(high))};
  }
  static Float narrow(Double v) {
    const __m512d low = _mm512_castps_pd(_mm512_castps256_ps512(_mm512_cvtpd_ps(v.low)));
    return _mm512_castpd_ps(_mm512_insertf64x4(low, _mm256_castps_pd(_mm512_cvtpd_ps(v.high)), 1));
  }
  static Double add(Double a, Double b) {
    return {_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
  }
  static Double sub(Double a, Double b) {
    return {_mm512_sub_pd(a.low, b.low), _mm512_sub_pd(a.high, b.high)};
  }
  static Double mul(Double a, Double b) {
    return {_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
  }
  static Double div(Double a, Double b) {
    return {_mm512_div_pd(a.low, b.low), _mm512_div_pd(a.high, b.high)};
  }
  static Double sqrt(Double a) { return {_mm512_sqrt_pd(a.low), _mm512_sqrt_pd(a.high)}; }
};

}  // namespace

const Kernels* avx512_vnni_kernels() {
  static constexpr Kernels kernels = make_kernels<Avx512>(
      make_tile<Avx512, Avx512, 4, 4>(), make_tile<Avx512, Avx512, 12, 1>(),
      make_pooled_tile<Avx512, Avx512, 4>(), make_pooled_tile<Avx512, Avx512, 6>(),
      make_winograd_tile<Avx512, 4, 2>());
  const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vnni");
  return supported ? &kernels : nullptr;
}

}  // namespace flatenn::int8
#else
namespace flatenn::int8 {
const Kernels* avx512_vnni_kernels() { return nullptr; }
}  // namespace flatenn::int8
#endif
