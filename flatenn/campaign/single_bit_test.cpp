#include "flatenn/campaign/single_bit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

Model small_model() {
  NetworkOptions options;
  options.input = {1, 4, 4, 1.0f / 255, 0};
  options.weights.code.bits = 4;
  options.hidden = {6};
  return random_model(mlp(options), 3);
}

class SingleBitTest : public testing::Test {
 protected:
  std::vector<BitStratum> strata(const std::vector<std::string>& patterns) const {
    return bit_strata(memory_, memory_.expose(patterns));
  }
  Model model_ = small_model();
  MemoryLayout memory_{model_};
};

TEST_F(SingleBitTest, StrataAreTheExposedPositionsOfEachTensor) {
  const std::vector<BitStratum> all = strata({});
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[0], (BitStratum{0, 0, 96}));
  EXPECT_EQ(all[7], (BitStratum{1, 3, 60}));
  EXPECT_EQ(strata({"fc2.*:1-2"}), (std::vector<BitStratum>{{1, 1, 60}, {1, 2, 60}}));
}

TEST_F(SingleBitTest, CellsOfARangeAreThoseAMaskLeaves) {
  const std::vector<std::string> patterns = {"fc1.*:top", "fc2.*:0"};
  const Exposure exposure = memory_.expose(patterns);
  for (const auto& [first, last] : {std::pair{0, 1000}, {10, 400}, {384, 384}, {383, 385}}) {
    std::vector<std::uint64_t> visited, expected;
    for_each_cell(exposure, static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last),
                  [&](std::uint64_t address) { visited.push_back(address); });
    for (int a = first; a < last; ++a) {
      if (exposure.contains(static_cast<std::uint64_t>(a))) {
        expected.push_back(static_cast<std::uint64_t>(a));
      }
    }
    EXPECT_EQ(visited, expected) << first << " " << last;
  }
}

TEST_F(SingleBitTest, ASampleStartsInProportionAndNeverTriesACellTwice) {
  const std::vector<BitStratum> all = strata({});
  const BitSample pilot = next_bit_sample({1, all, memory_, 312}, FaultKind::flip, {});
  // Half of 312 in proportion to 96 and 60 cells a stratum.
  EXPECT_EQ(pilot.missing.size(), 156u);
  EXPECT_EQ(pilot.expected, 312);
  EXPECT_EQ(std::set(pilot.missing.begin(), pilot.missing.end()).size(), 156u);
  const auto first = std::ranges::count_if(pilot.missing, [](auto a) { return a < 384; });
  EXPECT_EQ(first, 96);
  EXPECT_NE(next_bit_sample({2, all, memory_, 312}, FaultKind::flip, {}).missing, pilot.missing);
}

TEST_F(SingleBitTest, ASampleAsLargeAsTheMemoryIsAllOfIt) {
  const std::vector<BitStratum> all = strata({});
  std::vector<Trial> stored;
  for (;;) {
    const BitSample next = next_bit_sample({1, all, memory_, 1'000'000}, FaultKind::flip, stored);
    if (next.missing.empty()) break;
    for (const std::uint64_t address : next.missing)
      stored.push_back({FaultKind::flip, 0, address});
  }
  EXPECT_EQ(stored.size(), memory_.bits());
}

}  // namespace
}  // namespace flatenn
