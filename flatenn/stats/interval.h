// Intervals: what a mean is worth.
#pragma once

#include <cstdint>
#include <span>

#include "flatenn/stats/accumulator.h"

namespace flatenn {

/// A figure with its interval. Too few samples give an unbounded interval, never a narrow one:
/// n = 0: mean and sd NaN, interval (-inf, inf);  n = 1: sd NaN, interval (-inf, inf).
struct Interval {
  double mean = 0;
  double sd = 0;  ///< of the samples, not of their mean
  double lo = 0, hi = 0;
  std::uint64_t n = 0;
};

/// Student's t interval of the mean: mean -+ t(n - 1) sd / sqrt(n). Equal samples give an interval
/// of width 0. Throws Error unless 0 < confidence < 1.
Interval t_interval(const Accumulator& samples, double confidence = 0.95);
Interval t_interval(std::span<const double> samples, double confidence = 0.95);

/// t interval of the mean of a[i] - b[i]: what two networks measured on the same fault maps differ
/// by. Precondition: equal sizes.
Interval paired_interval(std::span<const double> a, std::span<const double> b,
                         double confidence = 0.95);

}  // namespace flatenn
