// Paired: two networks on the same fault maps.
#pragma once

#include <cstdint>
#include <span>

#include "flatenn/stats/interval.h"

namespace flatenn {

struct PairedOptions {
  double confidence = 0.95;

  /// Random sign patterns where there are too many to try all.
  std::uint64_t patterns = 9999;

  /// Key of these draws: (seed, Purpose::sign_flip, index).
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
};

/// Both p values are two-sided, of "the networks do not differ": 1 when nothing can be said
/// (no pairs, or no differences). Over a grid of rates and kinds, adjust with holm_adjust.
struct PairedComparison {
  /// Mean of a[i] - b[i] with its t interval; see t_interval for few pairs.
  Interval difference;

  /// Paired t test: of a mean difference 0, for differences near normal. Not for two or three maps
  /// with equal differences, whose deviation of 0 makes it 0.
  double t_p = 1;

  /// Sign-flip test: of differences symmetric about 0, whatever their distribution; for few or
  /// skewed maps. The share of the sign patterns of the differences whose sum is at least as far
  /// from 0 as the sum seen. Never below 2^(1 - n): five maps cannot reach 0.05.
  double sign_flip_p = 1;

  /// Whether every sign pattern was tried (up to 20 differences that are not 0). Otherwise
  /// sign_flip_p = (1 + at least as far) / (1 + patterns), which is valid, not approximate
  /// (Phipson and Smyth, 2010).
  bool exact = true;
};

/// Throws Error unless all values are finite, 0 < confidence < 1 and 1 <= patterns <= 10^9.
/// Precondition: equal sizes.
PairedComparison compare_paired(std::span<const double> a, std::span<const double> b,
                                const PairedOptions& options = {});

}  // namespace flatenn
