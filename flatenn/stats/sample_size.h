// Sample size: how many fault maps or single-bit trials a question needs, before they are run.
#pragma once

#include <cstdint>

namespace flatenn {

/// The fewest fault maps, at least 2, whose t interval of the mean has a half width of at most
/// `half_width` if their deviation is `sd` (same unit; from a pilot): t(n - 1) sd / sqrt(n) <=
/// half_width. A pilot's deviation is itself uncertain: the interval got may be somewhat wider.
/// Throws Error unless half_width > 0, sd >= 0, both finite, 0 < confidence < 1, or if more
/// than 10^9 maps were needed.
std::uint64_t maps_for_half_width(double sd, double half_width, double confidence = 0.95);

/// Trials out of a finite population of faults (bits, or bits x images), drawn without replacement,
/// for a margin of error of a proportion (Leveugle, Calvez, Maistri and Vanhauwaert, DATE 2009):
///
///     n = N / (1 + margin^2 (N - 1) / (z^2 p (1 - p))),  rounded up, z = 1.959964 at 95 %.
///
/// `expected` is the proportion p guessed; 1/2 is the safe guess. The margin is absolute: for a
/// proportion near 0.001 a margin of 0.01 says nothing.
/// Throws Error unless population >= 1, 0 < margin < 1, 0 < expected < 1, 0 < confidence < 1.
std::uint64_t trials_for_margin(std::uint64_t population, double margin, double confidence = 0.95,
                                double expected = 0.5);

/// The inverse: z sqrt(p (1 - p) / n (N - n) / (N - 1)); 0 when all were tried. Errors as above,
/// and unless 1 <= trials <= population.
double margin_of_trials(std::uint64_t population, std::uint64_t trials, double confidence = 0.95,
                        double expected = 0.5);

}  // namespace flatenn
