// Rank correlation: whether two figures of the same things rise together, whatever their scales.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/stats/interval.h"

namespace flatenn {

/// Ranks from 1, equal values share the mean of theirs. Throws Error for values that are NaN.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's coefficient: Pearson's of the ranks. NaN for fewer than two values or where one side
/// is constant. Precondition: equal sizes.
double spearman(std::span<const double> a, std::span<const double> b);

/// With an interval by Fisher's transform, its variance (1 + r^2 / 2) / (n - 3) (Bonett and Wright,
/// Psychometrika 2000): for independent pairs. Unbounded, that is (-1, 1), for fewer than four
/// pairs or where the coefficient is NaN; `sd` is NaN. Throws Error unless 0 < confidence < 1.
Interval spearman_interval(std::span<const double> a, std::span<const double> b,
                           double confidence = 0.95);

/// Pairs that are comparable among themselves only: the networks of one training seed.
struct PairGroup {
  std::vector<double> a, b;
};

/// Mean of the groups' coefficients, with its t interval over groups (see t_interval for few);
/// groups whose coefficient is NaN do not count.
Interval grouped_spearman(std::span<const PairGroup> groups, double confidence = 0.95);

/// Two-sided permutation test of no association: `a` is shuffled within each group, the mean
/// coefficient is the statistic. (1 + at least as far from 0) / (1 + permutations), which is valid
/// (Phipson and Smyth, 2010). 1 when no group has a coefficient. Draws are keyed (seed,
/// Purpose::permutation, index).
double grouped_spearman_p(std::span<const PairGroup> groups, std::uint64_t permutations,
                          std::uint64_t seed, std::uint64_t index);

}  // namespace flatenn
