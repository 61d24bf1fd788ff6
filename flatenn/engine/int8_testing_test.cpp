#include "flatenn/engine/int8_testing.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace flatenn::int8 {
namespace {

/// The loops tell apart a set with one kernel that does nothing, and name that kernel.
TEST(KernelsAgainstLoops, NameTheKernelThatDiffers) {
  struct Fault {
    std::string kernel;
    std::function<void(Kernels&)> make;
  };
  const std::vector<Fault> faults = {
      {"many", [](Kernels& k) { k.many.run = [](const LayerArgs&) {}; }},
      {"many low", [](Kernels& k) { k.many.run_low = [](const LayerArgs&) {}; }},
      {"single", [](Kernels& k) { k.single.run = [](const LayerArgs&) {}; }},
      {"window", [](Kernels& k) { k.window = [](const WindowArgs&) {}; }},
      {"max_pool", [](Kernels& k) { k.max_pool = [](const PoolArgs&) {}; }},
      {"average", [](Kernels& k) { k.average = [](const PoolArgs&) {}; }},
      {"add", [](Kernels& k) { k.add = [](const AddArgs&) {}; }},
      {"twin", [](Kernels& k) { k.twin = [](const TwinArgs&) {}; }}};
  for (const Fault& fault : faults) {
    Kernels kernels = *portable_kernels();
    fault.make(kernels);
    int told = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const std::string difference = difference_from_loops(kernels, seed);
      if (difference.empty()) continue;
      EXPECT_TRUE(difference.starts_with(fault.kernel)) << fault.kernel << ": " << difference;
      ++told;
    }
    EXPECT_GE(told, 5) << fault.kernel;
  }
}

}  // namespace
}  // namespace flatenn::int8
