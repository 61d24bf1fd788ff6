#include "flatenn/stats/paired.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"

namespace flatenn {
namespace {

PairedComparison against_zero(const std::vector<double>& differences,
                              const PairedOptions& options = {}) {
  return compare_paired(differences, std::vector<double>(differences.size(), 0.0), options);
}

// Darwin's fifteen pairs of maize, in eighths of an inch. Fisher (The Design of Experiments, 1935,
// section 21) counts 863 of the 32768 sign patterns with a sum of at least 314, so 1726 on both
// sides; t = 2.148.
TEST(Paired, FishersCountOfDarwinsMaize) {
  const PairedComparison comparison =
      against_zero({49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48});
  EXPECT_EQ(comparison.sign_flip_p, 1726.0 / 32768);
  EXPECT_TRUE(comparison.exact);
  EXPECT_NEAR(comparison.t_p, 0.0497029, 1e-7);
  EXPECT_NEAR(comparison.difference.mean, 314.0 / 15, 1e-12);
}

// Student's sleep data (1908): t = 4.0621 with 9 degrees of freedom, p = 0.002833, interval
// 0.7001142 to 2.4598858. No difference is negative and one is 0: 2 of 2^9 patterns.
TEST(Paired, StudentsSleepData) {
  const std::vector<double> a = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const std::vector<double> b = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const PairedComparison comparison = compare_paired(a, b);
  EXPECT_NEAR(comparison.t_p, 0.00283289, 1e-8);
  EXPECT_NEAR(comparison.difference.lo, 0.7001142, 1e-7);
  EXPECT_NEAR(comparison.difference.hi, 2.4598858, 1e-7);
  EXPECT_EQ(comparison.sign_flip_p, 2.0 / 512);
}

TEST(Paired, FewOrEqualPairs) {
  const PairedComparison none = against_zero({});
  EXPECT_EQ(none.t_p, 1);
  EXPECT_EQ(none.sign_flip_p, 1);
  EXPECT_EQ(none.difference.n, 0u);
  const PairedComparison one = against_zero({3});
  EXPECT_EQ(one.t_p, 1);
  EXPECT_EQ(one.sign_flip_p, 1);
  const PairedComparison same = against_zero({0, 0, 0, 0});
  EXPECT_EQ(same.t_p, 1);
  EXPECT_EQ(same.sign_flip_p, 1);
  const PairedComparison equal = against_zero({0.5, 0.5, 0.5});
  EXPECT_EQ(equal.t_p, 0);
  EXPECT_EQ(equal.sign_flip_p, 0.25);
  const PairedComparison cancelling = against_zero({0.1, 0.2, -0.3});
  EXPECT_EQ(cancelling.sign_flip_p, 1);
}

// Twenty differences are tried in full, twenty-one by chance; both must tell nearly the same.
TEST(Paired, RandomPatternsMeetTheExactShare) {
  std::vector<double> differences;
  RandomStream stream(8, Purpose::test, 0);
  for (int i = 0; i < 20; ++i) differences.push_back(0.4 + stream.normal());
  const PairedComparison exact = against_zero(differences);
  ASSERT_TRUE(exact.exact);
  differences.push_back(1e-12);  // one more, of no weight
  const PairedComparison drawn = against_zero(differences, {0.95, 99999, 1, 2});
  ASSERT_FALSE(drawn.exact);
  const double error = std::sqrt(exact.sign_flip_p * (1 - exact.sign_flip_p) / 99999);
  EXPECT_NEAR(drawn.sign_flip_p, exact.sign_flip_p, 5 * error);
  EXPECT_EQ(drawn.sign_flip_p, against_zero(differences, {0.95, 99999, 1, 2}).sign_flip_p);
  EXPECT_NE(drawn.sign_flip_p, against_zero(differences, {0.95, 99999, 1, 3}).sign_flip_p);
}

TEST(Paired, RandomPatternsAreNeverZero) {
  const std::vector<double> differences(200, 1.0);
  EXPECT_EQ(against_zero(differences, {0.95, 999, 0, 0}).sign_flip_p, 1.0 / 1000);
}

TEST(Paired, MistakesAreRefused) {
  EXPECT_THROW(compare_paired(std::vector<double>{1}, {}), InternalError);
  EXPECT_THROW(against_zero({1, NAN}), Error);
  EXPECT_THROW(against_zero({1, INFINITY}), Error);
  EXPECT_THROW(against_zero({1, 2}, {0.95, 0}), Error);
  EXPECT_THROW(against_zero({1, 2}, {0.95, 2'000'000'000}), Error);
  EXPECT_THROW(against_zero({1, 2}, {1.5}), Error);
}

RC_GTEST_PROP(Paired, CountsThePatternsAsPlainLoopsDo, ()) {
  // At full size from the start: RapidCheck's small cases are one or two pairs without ties.
  const auto pairs = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(1, 11));
  const auto raw =
      *rc::gen::container<std::vector<int>>(pairs, rc::gen::resize(100, rc::gen::inRange(-6, 7)));
  std::vector<double> a, b;
  int seen = 0;
  for (const int x : raw) {
    a.push_back((7137 + 37 * x) / 10000.0);  // rounding included: ties must survive it
    b.push_back(7137 / 10000.0);
    seen += x;
  }
  int as_far = 0;
  for (int pattern = 0; pattern < 1 << raw.size(); ++pattern) {
    int sum = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) sum += pattern >> i & 1 ? raw[i] : -raw[i];
    as_far += std::abs(sum) >= std::abs(seen);
  }
  RC_ASSERT(compare_paired(a, b).sign_flip_p == double(as_far) / double(1 << raw.size()));
  RC_ASSERT(compare_paired(a, b).t_p == compare_paired(b, a).t_p);
}

}  // namespace
}  // namespace flatenn
