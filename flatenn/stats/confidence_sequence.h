// Confidence sequence: an interval of a mean that stays valid however often one looks.
#pragma once

#include <cstdint>
#include <span>

#include "flatenn/stats/interval.h"

namespace flatenn {

/// The hedged capital confidence sequence of Waudby-Smith and Ramdas (Estimating means of bounded
/// random variables by betting, JRSS B, 2023, section 4) for the mean of independent samples in
/// [lo, hi], after these samples in this order. With probability >= confidence the intervals after
/// 1, 2, 3, ... samples ALL hold the mean, whatever its distribution: a campaign may look after
/// every trial and stop when it likes. No normality, no minimum count; collapses that nobody has
/// seen yet are allowed for, which is why it is wide. Mean half widths on outcomes of mean 0.7 and
/// deviation 0.1 (an empirical Bernstein sequence stands for the closed forms):
///
///     n                    16     50     100    200    1000
///     this                 0.138  0.057  0.034  0.023  0.010
///     empirical Bernstein  0.319  0.108  0.059  0.034  0.013
///     t, one look          0.050  0.028  0.020  0.014  0.006
///
/// Samples are scaled to [0, 1]. Against each possible mean m two gamblers bet, one on more and one
/// on less, each with half of a unit of capital:
///
///     K+(m) = prod (1 + min(b_t, c / m) (x_t - m)),   K-(m) = the same of 1 - x at 1 - m,
///     b_t = sqrt(2 log(2 / alpha) / (v_{t-1} t log(1 + t))),  alpha = 1 - confidence,  c = 3/4,
///
/// v_{t-1} the variance seen before sample t, started at 1/4. The authors take c = 1/2 or 3/4;
/// 3/4 is narrower by a fifth up to 100 such outcomes and equal at 500; it is wider by 6 % after
/// 5000, and by up to a fifth for coin tosses. If m is the mean no bet is better than fair, so
/// (Ville) the capital ever reaches 1 / alpha with probability at most alpha; every m where it has
/// is excluded. Each factor of K+ falls with m (min(b, c/m) x falls or stays, and -min(b, c/m) m
/// falls or stays) and is positive, so K+ falls, K- rises, and what is left is an interval, whose
/// ends are found by bisection on log K and rounded outwards by at most 2^-40 (hi - lo). Only
/// exactly rounded operations: the same bits on every machine.
///
/// The sample mean may lie outside what is left, or nothing may be left (chance at most alpha);
/// the interval is then widened to hold the mean, which costs no coverage. n = 0: [lo, hi].
/// Cost: about 80 passes over the samples.
/// Throws Error unless lo < hi are finite, the samples lie between them and 0 < confidence < 1.
Interval confidence_sequence(std::span<const double> samples, double lo, double hi,
                             double confidence = 0.95);

/// The intersection of the intervals at these looks (numbers of samples), also with coverage
/// >= confidence at all of them at once, and never widening but to hold the mean. Samples
/// after the last look do not count. Precondition: looks ascend and do not exceed the samples.
/// Errors as above.
Interval running_confidence_sequence(std::span<const double> samples,
                                     std::span<const std::uint64_t> looks, double lo, double hi,
                                     double confidence = 0.95);

/// The number of samples at which a sequential campaign looks next after n: 16, then steps of a
/// tenth rounded to multiples of 8, at least 8 (16, 24, ..., 120, 136, ...). A fixed list, so that
/// campaigns stop at the same counts however they were interrupted. Precondition: n < 2^60.
std::uint64_t next_look(std::uint64_t n);

/// Whether the interval is narrow enough to stop: half of its width is at most `half_width`.
/// Throws Error unless half_width > 0.
bool decided(const Interval& interval, double half_width);

}  // namespace flatenn
