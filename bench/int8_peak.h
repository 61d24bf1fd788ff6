// The processor's int8 dot-product peak: what no kernel can exceed.
#pragma once

#include <cstdint>

/// Multiply-adds that `rounds` rounds of independent 512-bit u8 x s8 dot products do, from
/// registers alone; 0 where the processor has no AVX-512 VNNI. Time it.
inline std::uint64_t run_int8_peak(int rounds) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (!__builtin_cpu_supports("avx512vnni")) return 0;
  for (int i = 0; i < rounds; ++i) {
    // Sixteen accumulators hide the latency of two instructions a cycle.
#define FLATENN_DOT(n) "vpdpbusd %%zmm30, %%zmm31, %%zmm" #n "\n\t"
    asm volatile(
        FLATENN_DOT(0) FLATENN_DOT(1) FLATENN_DOT(2) FLATENN_DOT(3) FLATENN_DOT(4) FLATENN_DOT(5)
            FLATENN_DOT(6) FLATENN_DOT(7) FLATENN_DOT(8) FLATENN_DOT(9) FLATENN_DOT(10)
                FLATENN_DOT(11) FLATENN_DOT(12) FLATENN_DOT(13) FLATENN_DOT(14) FLATENN_DOT(15)::
                    : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                      "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#undef FLATENN_DOT
  }
  return static_cast<std::uint64_t>(rounds) * 16 * 64;
#else
  static_cast<void>(rounds);
  return 0;
#endif
}
