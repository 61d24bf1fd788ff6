#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/engine/int8_kernels.h"
#include "flatenn/engine/int8_norm_testing.h"
#include "flatenn/engine/int8_testing.h"

namespace flatenn::int8 {
namespace {

TEST(Int8Portable, EqualsPlainLoops) {
  const Kernels* kernels = portable_kernels();
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    ASSERT_EQ(difference_from_loops(*kernels, seed), "") << seed;
    ASSERT_EQ(norm_difference_from_loops(*kernels, seed), "") << seed;
  }
}

/// The comparison itself: a kernel that does nothing is found and named.
TEST(Int8Portable, ComparisonFindsEveryKernel) {
  const auto found = [](Kernels kernels, const char* name) {
    EXPECT_THAT(difference_from_loops(kernels, 1), testing::StartsWith(name));
  };
  Kernels broken = *portable_kernels();
  broken.many.run = [](const LayerArgs&) {};
  found(broken, "many:");
  broken = *portable_kernels();
  broken.single.run_low = [](const LayerArgs&) {};
  found(broken, "single low:");
  broken = *portable_kernels();
  broken.window = [](const WindowArgs&) {};
  found(broken, "window:");
  broken = *portable_kernels();
  broken.max_pool = [](const PoolArgs&) {};
  found(broken, "max_pool:");
  broken = *portable_kernels();
  broken.average = [](const PoolArgs&) {};
  found(broken, "average:");
  broken = *portable_kernels();
  broken.add = [](const AddArgs&) {};
  found(broken, "add:");
  broken = *portable_kernels();
  broken.twin = [](const TwinArgs&) {};
  found(broken, "twin:");
  broken = *portable_kernels();
  broken.group_norm = [](const GroupNormArgs&) {};
  EXPECT_THAT(norm_difference_from_loops(broken, 1), testing::StartsWith("group_norm:"));
}

}  // namespace
}  // namespace flatenn::int8
