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

/// Fisher's measure of skewness: the mean cube of the distances from the mean, over the cube of
/// their root mean square (divisor n). 0 of equal samples; NaN of none.
double skewness(std::span<const double> samples);

/// Cochran's rule (Sampling Techniques, 3rd ed. 1977, section 2.15): a normal or t interval of the
/// mean is to be trusted only with n >= 25 skewness^2 samples. False for fewer than two samples.
/// One collapsed fault map among others fails it at every n; where rare collapses make the spread,
/// about 25 of them must have been seen. It sees only what was sampled: when collapses are so rare
/// that no map has shown one, it says true and the interval is still wrong. Only a confidence
/// sequence, or the proportion of collapsed maps with its interval, speaks about those. With ten
/// samples even normal ones fail it now and then: it is a reason to warn, not to refuse.
bool normal_enough(std::span<const double> samples);

}  // namespace flatenn
