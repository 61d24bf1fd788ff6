// One source, several instruction sets: hot loops are compiled for each and chosen at run time.
#pragma once

// The function and everything inlined into it is compiled for AVX-512, AVX2 and the baseline. Loops
// written over 16 lanes give the same bits in all of them wherever multiply and add are not
// contracted. Sanitizers cannot instrument the resolvers: they get the baseline alone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FLATENN_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FLATENN_SIMD
#endif
