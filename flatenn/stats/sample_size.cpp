#include "flatenn/stats/sample_size.h"

#include <algorithm>
#include <cmath>

#include "flatenn/base/error.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

void check_population(std::uint64_t population, double expected) {
  if (population < 1) fail("a population to draw trials from must hold at least 1 fault, not 0");
  if (!(expected > 0 && expected < 1)) {
    fail("the expected proportion must lie between 0 and 1, not at {}", expected);
  }
}

}  // namespace

std::uint64_t maps_for_half_width(double sd, double half_width, double confidence) {
  check_confidence(confidence);
  if (!(sd >= 0 && std::isfinite(sd))) {
    fail("the deviation over fault maps must be finite and not negative, not {}", sd);
  }
  if (!(half_width > 0 && std::isfinite(half_width))) {
    fail("the half width to reach must be finite and above 0, not {}", half_width);
  }
  const double root = two_sided_z(confidence) * sd / half_width;
  if (!(root * root <= 1e9)) {
    fail("a half width of {} at a deviation of {} needs more than 10^9 fault maps", half_width, sd);
  }
  // t exceeds z, so the normal count is a lower bound, short by a handful.
  auto n = std::max<std::uint64_t>(2, static_cast<std::uint64_t>(std::ceil(root * root)));
  const auto half = [&](double maps) {
    return two_sided_t(confidence, maps - 1) * sd / std::sqrt(maps);
  };
  while (half(static_cast<double>(n)) > half_width) ++n;
  return n;
}

std::uint64_t trials_for_margin(std::uint64_t population, double margin, double confidence,
                                double expected) {
  check_population(population, expected);
  if (!(margin > 0 && margin < 1)) {
    fail("the margin of error must lie between 0 and 1, not at {}", margin);
  }
  const double z = two_sided_z(confidence), size = static_cast<double>(population);
  const double n = size / (1 + margin * margin * (size - 1) / (z * z * expected * (1 - expected)));
  // Doubles above 2^64 do not convert; a population that large is not met exactly either way.
  if (!(std::ceil(n) < size)) return population;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(n)));
}

double margin_of_trials(std::uint64_t population, std::uint64_t trials, double confidence,
                        double expected) {
  check_population(population, expected);
  if (trials < 1 || trials > population) {
    fail("the number of trials must lie between 1 and the population of {}, not at {}", population,
         trials);
  }
  const double z = two_sided_z(confidence);
  if (trials == population) return 0;
  const double left = static_cast<double>(population - trials);
  return z * std::sqrt(expected * (1 - expected) / static_cast<double>(trials) * left /
                       static_cast<double>(population - 1));
}

}  // namespace flatenn
