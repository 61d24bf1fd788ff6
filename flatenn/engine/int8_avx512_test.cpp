#include <gtest/gtest.h>

#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_norm_testing.h"
#include "flatenn/engine/int8_testing.h"

namespace flatenn::int8 {
namespace {

TEST(Int8Avx512, EqualsPlainLoops) {
  const Kernels* kernels = avx512_vnni_kernels();
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    ASSERT_EQ(difference_from_loops(*kernels, seed), "") << seed;
    ASSERT_EQ(norm_difference_from_loops(*kernels, seed), "") << seed;
  }
}

}  // namespace
}  // namespace flatenn::int8
