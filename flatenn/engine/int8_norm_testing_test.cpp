#include "flatenn/engine/int8_norm_testing.h"

#include <gtest/gtest.h>

namespace flatenn::int8 {
namespace {

TEST(NormAgainstLoops, TellsKernelsThatDiffer) {
  Kernels idle = *portable_kernels(), shifted = idle, wide = idle;
  idle.group_norm = [](const GroupNormArgs&) {};
  shifted.group_norm = [](const GroupNormArgs& args) {
    GroupNormArgs other = args;
    other.epsilon = 2 * args.epsilon + 1;
    portable_kernels()->group_norm(other);
  };
  wide.group_norm = [](const GroupNormArgs& args) {
    GroupNormArgs other = args;
    other.groups = 1;
    portable_kernels()->group_norm(other);
  };
  int idle_told = 0, shifted_told = 0, wide_told = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    idle_told += norm_difference_from_loops(idle, seed) != "";
    shifted_told += norm_difference_from_loops(shifted, seed) != "";
    wide_told += norm_difference_from_loops(wide, seed) != "";
  }
  EXPECT_EQ(idle_told, 40);
  EXPECT_GE(shifted_told, 20);
  EXPECT_GE(wide_told, 20);
}

}  // namespace
}  // namespace flatenn::int8
