// Bootstrap: an interval of a mean that does not assume symmetric outcomes.
#pragma once

#include <cstdint>
#include <span>

#include "flatenn/stats/interval.h"

namespace flatenn {

struct BootstrapOptions {
  double confidence = 0.95;

  /// Samples drawn with replacement from the samples, each giving one Studentised mean. With 1999
  /// the quantiles at 95 % are the 50th values from either end, no interpolation.
  std::uint64_t resamples = 1999;

  /// Key of the draws, (seed, Purpose::bootstrap, index): the same samples under the same key give
  /// the same interval, bit for bit.
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
};

/// Bootstrap-t interval of the mean of samples in [lo, hi] (Efron and Tibshirani, An Introduction
/// to the Bootstrap, 1993, section 12.5), ends clipped to [lo, hi].
///
/// Of the bootstraps it is the one for a mean: its quantiles are those of the Studentised mean
/// (m* - m) / s*, so it corrects skewness to second order and widens for the unknown deviation as t
/// does. Percentile and BCa intervals never leave the range of the resampled means and are too
/// narrow for few maps. When a single collapsed map carries the spread, resamples without it have
/// a tiny s*, and the interval opens far towards the collapse; BCa would not. Its known fault, ends
/// outside the possible range, is what the clipping is for.
///
/// Like t it cannot know of collapses that no sample shows; equal samples give width 0. A resample
/// of equal values has no deviation and counts as infinite, on its side. Fewer than two samples
/// give [lo, hi]. Cost: resamples * n draws.
/// Throws Error unless lo < hi are finite, the samples lie between them, 0 < confidence < 1, and
/// there are resamples enough to have a quantile: resamples + 1 >= 2 / (1 - confidence).
Interval bootstrap_interval(std::span<const double> samples, double lo, double hi,
                            const BootstrapOptions& options = {});

}  // namespace flatenn
