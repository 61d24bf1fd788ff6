// Stratified: a population of faults in parts (layers, bit positions), sampled part by part.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatenn/stats/interval.h"

namespace flatenn {

/// Yes-or-no trials drawn without replacement from one part of the population.
struct Stratum {
  std::uint64_t population = 0;
  std::uint64_t trials = 0;
  std::uint64_t successes = 0;
};

/// The proportion P = sum W_h p_h of successes in the whole population, W_h = N_h / N, with the
/// square-and-add interval (Zou, Huang and Zhang, CSDA 53, 2009, for a linear function of
/// binomial proportions) on single-stratum intervals [l_h, u_h]:
///
///     lo = P - sqrt(sum (W_h f_h (p_h - l_h))^2),   hi = P + sqrt(sum (W_h f_h (u_h - p_h))^2),
///
/// f_h^2 = (N_h - n_h) / (N_h - 1), the finite population correction; a stratum tried in full adds
/// no width. Unlike the variance formula, which takes a stratum without a success for one without
/// any doubt, a stratum with k = 0 keeps its upper bound of about 3.7 / n_h. [l_h, u_h] are Clopper
/// and Pearson's: critical bits are rare, and the score interval's lower end is too high there.
/// The ends are clipped to what is known for certain: k_h successes and n_h - k_h failures exist.
/// A stratum without trials may hold anything: it widens the interval by its whole weight, and mean
/// and sd are NaN. sd is that of one element, sqrt(P (1 - P)); n counts all trials.
/// Throws Error unless 0 < confidence < 1, successes <= trials <= population everywhere, and some
/// population is above 0.
Interval stratified_proportion(std::span<const Stratum> strata, double confidence = 0.95);

/// Trials with a real outcome (the accuracy lost by a fault) from one part.
struct MeasuredStratum {
  std::uint64_t population = 0;
  Accumulator samples;
};

/// The mean over the whole population, sum W_h m_h, with a t interval: variance sum g_h, g_h =
/// W_h^2 (1 - n_h / N_h) s_h^2 / n_h, and Satterthwaite's degrees of freedom (sum g_h)^2 / sum
/// g_h^2 / (n_h - 1) (Cochran 1977, section 5.4). sd is that of one element of the population. A
/// stratum with one sample of several has no known variance: the interval is unbounded; one
/// without samples makes mean and sd NaN too. It shares t's blindness for outcomes not yet seen.
/// Errors as above.
Interval stratified_mean(std::span<const MeasuredStratum> strata, double confidence = 0.95);

/// How many of `total` trials go to each stratum: the integers n_h that minimise the variance of
/// the estimate, sum N_h^2 s_h^2 / n_h, among those with min(minimum, N_h) <= n_h <= N_h and sum
/// n_h = total exactly (Neyman's allocation; the integer optimum hands out one trial after another
/// by the priority N_h s_h / sqrt(n (n + 1)): Wright, The American Statistician 66, 2012). Strata
/// of deviation 0 get more than the minimum only when the others are full, then by size. A pilot
/// without successes is no proof of deviation 0: use smoothed_deviation.
/// Throws Error unless sizes agree, deviations are finite and not negative, and sum min(minimum,
/// N_h) <= total <= sum N_h.
std::vector<std::uint64_t> neyman_allocation(std::span<const std::uint64_t> populations,
                                             std::span<const double> deviations,
                                             std::uint64_t total, std::uint64_t minimum = 1);

/// The same for equal deviations: in proportion to the sizes.
std::vector<std::uint64_t> proportional_allocation(std::span<const std::uint64_t> populations,
                                                   std::uint64_t total, std::uint64_t minimum = 1);

/// Deviation of one yes-or-no trial, sqrt(q (1 - q)), q = (k + 1) / (n + 2) (Laplace): never 0.
/// Precondition: successes <= trials.
double smoothed_deviation(std::uint64_t successes, std::uint64_t trials);

}  // namespace flatenn
