#include "flatenn/base/random.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Block = std::array<std::uint64_t, 4>;

// Known answer of Philox4x64-10 published with Random123: counter and key all zero.
TEST(Random, BlockHasThePublishedValue) {
  EXPECT_EQ(
      random_block(0, Purpose::test, 0, 0, 0),
      (Block{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}));
}

// Golden values: every stored result depends on how seed, purpose, index, sub and position are laid
// out. They may never change.
TEST(Random, GoldenBlock) {
  EXPECT_EQ(
      random_block(1, Purpose::fault_map, 2, 3, 4),
      (Block{0x2a0c663939545135, 0x37ebca0f380d7516, 0x6989da3863e6fa9e, 0xfc464dd983ddbb62}));
}

TEST(Random, GoldenDerivedDraws) {
  RandomStream stream(7, Purpose::test, 1, 2);
  EXPECT_EQ(stream.uniform(), 0x1.1db04b3a7da4fp-1);
  EXPECT_EQ(stream.below(1000), 436u);
  EXPECT_EQ(stream.normal(), 0x1.72baaa7a0c2f5p-4);
  std::vector<std::uint32_t> order(8);
  random_permutation(stream, order);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 2, 3, 7, 5, 1, 4, 6}));
}

TEST(Random, StreamReadsBlocksInOrder) {
  RandomStream stream(5, Purpose::subset, 6, 7);
  for (std::uint64_t position = 0; position < 3; ++position) {
    for (const std::uint64_t word : random_block(5, Purpose::subset, 6, 7, position)) {
      EXPECT_EQ(stream(), word);
    }
  }
}

RC_GTEST_PROP(Random, WordsAreTheBlocksInOrder, (std::uint64_t seed, std::uint64_t position)) {
  std::vector<std::uint64_t> words(12);
  random_words(seed, Purpose::fault_map, 2, 3, position, words);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Block block = random_block(seed, Purpose::fault_map, 2, 3, position + i);
    RC_ASSERT(std::equal(block.begin(), block.end(), words.begin() + static_cast<long>(4 * i)));
  }
}

RC_GTEST_PROP(Random, EveryPartOfTheKeyMatters,
              (std::uint64_t seed, std::uint64_t index, std::uint64_t sub,
               std::uint64_t position)) {
  const std::set<Block> blocks = {random_block(seed, Purpose::test, index, sub, position),
                                  random_block(seed + 1, Purpose::test, index, sub, position),
                                  random_block(seed, Purpose::subset, index, sub, position),
                                  random_block(seed, Purpose::test, index + 1, sub, position),
                                  random_block(seed, Purpose::test, index, sub + 1, position),
                                  random_block(seed, Purpose::test, index, sub, position + 1)};
  RC_ASSERT(blocks.size() == 6u);
}

TEST(Random, UniformHasMeanHalfAndVarianceTwelfth) {
  RandomStream stream(1, Purpose::test, 0);
  constexpr int n = 100000;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
  }
  EXPECT_NEAR(sum / n, 0.5, 4 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 12, 4 * std::sqrt(1.0 / 180 / n));
}

TEST(Random, NormalHasTheMomentsAndTailsOfAStandardNormal) {
  RandomStream stream(2, Purpose::test, 0);
  constexpr int n = 100000;
  double sum = 0, squares = 0;
  int beyond_two = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    sum += x;
    squares += x * x;
    beyond_two += std::abs(x) > 2;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2.0 / n));
  const double p = 0.0455002638963584;
  EXPECT_NEAR(double(beyond_two) / n, p, 4 * std::sqrt(p * (1 - p) / n));
}

// Modulo without rejection would favour the lower half of this range by a factor of two.
TEST(Random, BelowIsUnbiasedForHugeRanges) {
  const std::uint64_t n = (std::uint64_t{1} << 63) + (std::uint64_t{1} << 62);
  RandomStream stream(3, Purpose::test, 0);
  constexpr int draws = 20000;
  int low = 0;
  for (int i = 0; i < draws; ++i) {
    const std::uint64_t x = stream.below(n);
    ASSERT_LT(x, n);
    low += x < n / 2;
  }
  EXPECT_NEAR(low, draws / 2, 4 * std::sqrt(draws) / 2);
}

TEST(Random, BelowOneIsZeroAndBelowZeroIsABug) {
  RandomStream stream(4, Purpose::test, 0);
  EXPECT_EQ(stream.below(1), 0u);
  EXPECT_THROW(stream.below(0), InternalError);
}

RC_GTEST_PROP(Random, PermutationHoldsEveryIndexOnce, (std::uint64_t seed)) {
  std::vector<std::uint32_t> order(*rc::gen::inRange<std::size_t>(0, 300));
  RandomStream stream(seed, Purpose::test, 0);
  random_permutation(stream, order);
  std::vector<std::uint32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) RC_ASSERT(sorted[i] == i);
}

TEST(Random, AllPermutationsOfThreeAreEquallyLikely) {
  std::array<int, 27> count{};
  std::array<std::uint32_t, 3> order{};
  constexpr int n = 12000;
  for (int i = 0; i < n; ++i) {
    RandomStream stream(1, Purpose::test, i);
    random_permutation(stream, order);
    ++count[order[0] * 9 + order[1] * 3 + order[2]];
  }
  EXPECT_EQ(std::count_if(count.begin(), count.end(), [](int c) { return c > 0; }), 6);
  for (const int c : count) {
    if (c > 0) {
      EXPECT_NEAR(c, n / 6.0, 4 * std::sqrt(n / 6.0));
    }
  }
}

RC_GTEST_PROP(Random, PortableLogIsAccurate, (std::uint64_t seed)) {
  RandomStream stream(seed, Purpose::test, 1);
  const double mantissa = 1 + stream.uniform();
  const int exponent = static_cast<int>(stream.below(2098)) - 1074;
  for (const double x : {std::ldexp(mantissa, exponent), mantissa, mantissa / 2}) {
    const long double exact = std::log(static_cast<long double>(x));
    RC_ASSERT(std::abs(portable_log(x) - exact) <= 1e-15L * std::abs(exact));
  }
}

TEST(Random, PortableLogAtTheEdges) {
  EXPECT_EQ(portable_log(1), 0);
  for (const double x : {1 - 0x1p-53, 1 + 0x1p-52, std::numeric_limits<double>::denorm_min(),
                         std::numeric_limits<double>::min(), std::numeric_limits<double>::max()}) {
    const long double exact = std::log(static_cast<long double>(x));
    EXPECT_LE(std::abs(portable_log(x) - exact), 1e-15L * std::abs(exact)) << x;
  }
  EXPECT_EQ(portable_log(std::numeric_limits<double>::infinity()),
            std::numeric_limits<double>::infinity());
  EXPECT_THROW(portable_log(0), InternalError);
  EXPECT_THROW(portable_log(std::numeric_limits<double>::quiet_NaN()), InternalError);
}

}  // namespace
}  // namespace flatenn
