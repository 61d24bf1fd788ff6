// Proportions: intervals of a probability from k successes in n trials.
#pragma once

#include <cstdint>

#include "flatenn/stats/interval.h"

namespace flatenn {

/// In both: mean = k / n, sd = sqrt(mean (1 - mean)), of one trial. n = 0: mean and sd NaN,
/// interval [0, 1]. Throws Error unless 0 < confidence < 1. Precondition: successes <= trials.

/// Wilson's score interval (1927): close to the stated coverage on average; good for reporting.
Interval wilson_interval(std::uint64_t successes, std::uint64_t trials, double confidence = 0.95);

/// The exact interval of Clopper and Pearson (1934): coverage never below the stated one, so wider;
/// good where a wrong claim costs more than a wide interval.
Interval clopper_pearson_interval(std::uint64_t successes, std::uint64_t trials,
                                  double confidence = 0.95);

}  // namespace flatenn
