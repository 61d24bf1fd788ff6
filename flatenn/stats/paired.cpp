#include "flatenn/stats/paired.h"

#include <bit>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

constexpr std::size_t kMostTriedInFull = 20;

double t_test(const Interval& difference) {
  if (difference.n < 2 || difference.mean == 0) return 1;
  if (difference.sd == 0) return 0;
  const double n = static_cast<double>(difference.n);
  const double t = std::abs(difference.mean) / (difference.sd / std::sqrt(n));
  const boost::math::students_t distribution(n - 1);
  return 2 * boost::math::cdf(boost::math::complement(distribution, t));
}

/// A pattern and its negation count alike, so the last sign stays; the others in Gray code order,
/// one change a step.
double try_every_pattern(const std::vector<double>& sizes, double seen) {
  const std::uint64_t patterns = std::uint64_t{1} << (sizes.size() - 1);
  std::vector<double> values = sizes;
  double sum = 0;
  for (const double value : values) sum += value;
  std::uint64_t as_far = 0;
  for (std::uint64_t pattern = 1;; ++pattern) {
    as_far += std::abs(sum) >= seen;
    if (pattern == patterns) break;
    double& value = values[static_cast<std::size_t>(std::countr_zero(pattern))];
    sum -= 2 * value;
    value = -value;
  }
  return static_cast<double>(as_far) / static_cast<double>(patterns);
}

double try_some_patterns(const std::vector<double>& sizes, double seen,
                         const PairedOptions& options) {
  std::uint64_t as_far = 0;
  for (std::uint64_t p = 0; p < options.patterns; ++p) {
    RandomStream stream(options.seed, Purpose::sign_flip, options.index, p);
    double sum = 0;
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (i % 64 == 0) signs = stream();
      sum += signs >> (i % 64) & 1 ? sizes[i] : -sizes[i];
    }
    as_far += std::abs(sum) >= seen;
  }
  return (1 + static_cast<double>(as_far)) / (1 + static_cast<double>(options.patterns));
}

}  // namespace

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b,
                                const PairedOptions& options) {
  FLATENN_ASSERT(a.size() == b.size());
  if (options.patterns < 1 || options.patterns > 1'000'000'000) {
    fail("the sign patterns of a paired comparison must number between 1 and 10^9, not {}",
         options.patterns);
  }
  Accumulator differences;
  std::vector<double> sizes;  // a difference of 0 has no sign
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = a[i] - b[i];
    if (!std::isfinite(difference)) {
      fail("pair {} of a comparison must be finite, not {} and {}", i, a[i], b[i]);
    }
    differences.add(difference);
    if (difference != 0) sizes.push_back(std::abs(difference));
    sum += difference;
    total += std::abs(difference);
  }
  PairedComparison comparison;
  comparison.difference = t_interval(differences, options.confidence);
  comparison.t_p = t_test(comparison.difference);
  comparison.exact = sizes.size() <= kMostTriedInFull;
  if (sizes.empty()) return comparison;
  // Accuracies are counts over a common number of images, so patterns tie with the one seen; the
  // rounding of half a million steps, far below one image, must not break a tie.
  const double seen = std::abs(sum) - 1e-9 * total;
  comparison.sign_flip_p =
      comparison.exact ? try_every_pattern(sizes, seen) : try_some_patterns(sizes, seen, options);
  return comparison;
}

}  // namespace flatenn
