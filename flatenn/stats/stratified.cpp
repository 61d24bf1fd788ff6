#include "flatenn/stats/stratified.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/stats/checks.h"
#include "flatenn/stats/proportion.h"

namespace flatenn {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// As a double: populations of 2^64 bits may not overflow their sum.
template <class Strata>
double checked_size(const Strata& strata) {
  double size = 0;
  for (const auto& stratum : strata) size += static_cast<double>(stratum.population);
  if (!(size > 0)) fail("the strata of a population must hold at least one element");
  return size;
}

void check_stratum(std::size_t h, std::uint64_t population, std::uint64_t trials,
                   std::uint64_t successes) {
  if (trials > population) {
    fail("stratum {} has {} trials, more than its population of {}", h, trials, population);
  }
  if (successes > trials) {
    fail("stratum {} has {} successes, more than its {} trials", h, successes, trials);
  }
}

/// Adds trials to `counts` one by one by priority weight / sqrt(n (n + 1)), up to the caps. The
/// bulk is found by bisection on the priority of the last trial (again for what rounding left of
/// the first); the queue does the rest.
class Apportionment {
 public:
  Apportionment(std::vector<double> weights, std::span<const std::uint64_t> caps,
                std::vector<std::uint64_t>& counts)
      : weights_(std::move(weights)), caps_(caps), counts_(counts) {}

  /// Returns how many of `left` did not fit.
  std::uint64_t hand_out(std::uint64_t left) {
    for (std::uint64_t bulk = 1; bulk > 0; left -= bulk) bulk = hand_out_bulk(left);
    using Entry = std::pair<double, std::size_t>;  // ties: the lower index first
    const auto later = [](const Entry& a, const Entry& b) {
      return a.first != b.first ? a.first < b.first : a.second > b.second;
    };
    std::priority_queue<Entry, std::vector<Entry>, decltype(later)> queue(later);
    const auto offer = [&](std::size_t h) {
      if (weights_[h] > 0 && counts_[h] < caps_[h]) queue.emplace(priority(h), h);
    };
    for (std::size_t h = 0; h < weights_.size(); ++h) offer(h);
    for (; left > 0 && !queue.empty(); --left) {
      const std::size_t h = queue.top().second;
      queue.pop();
      ++counts_[h];
      offer(h);
    }
    return left;
  }

 private:
  double priority(std::size_t h) const {
    const double n = static_cast<double>(counts_[h]);
    // The first trial of a stratum comes before any second one, whatever the weights.
    return n > 0 ? weights_[h] / std::sqrt(n * (n + 1)) : weights_[h] * 1e200;
  }

  /// Trials of stratum h whose priority is at least `last`, within its present count and cap.
  std::uint64_t count_at(std::size_t h, double last) const {
    const double ratio = weights_[h] / last;
    const double n = std::floor((1 + std::sqrt(1 + 4 * ratio * ratio)) / 2);
    if (!(weights_[h] > 0)) return counts_[h];
    if (!(n < static_cast<double>(caps_[h]))) return caps_[h];
    return std::max(counts_[h], static_cast<std::uint64_t>(n));
  }

  std::uint64_t hand_out_bulk(std::uint64_t left) {
    const auto added = [&](double last) {
      double sum = 0;
      for (std::size_t h = 0; h < weights_.size(); ++h) {
        sum += static_cast<double>(count_at(h, last) - counts_[h]);
      }
      return sum;
    };
    // Below 2^20 the queue is quick and exact; the margin keeps rounding away from the end.
    if (left < std::uint64_t{1} << 20) return 0;
    const double wanted = static_cast<double>(left) * (1 - 1e-9) - 2 * double(weights_.size());
    double high = *std::max_element(weights_.begin(), weights_.end()), low = high * 1e-40;
    if (!(high > 0)) return 0;
    for (int i = 0; i < 400 && high / low > 1 + 1e-15; ++i) {
      const double middle = std::sqrt(high) * std::sqrt(low);
      (added(middle) <= wanted ? high : low) = middle;
    }
    if (added(high) > wanted) return 0;
    std::uint64_t sum = 0;
    for (std::size_t h = 0; h < weights_.size(); ++h) {
      const std::uint64_t n = count_at(h, high);
      sum += n - counts_[h];
      counts_[h] = n;
    }
    return sum;
  }

  std::vector<double> weights_;
  std::span<const std::uint64_t> caps_;
  std::vector<std::uint64_t>& counts_;
};

}  // namespace

Interval stratified_proportion(std::span<const Stratum> strata, double confidence) {
  check_confidence(confidence);
  const double size = checked_size(strata);
  double p = 0, below = 0, above = 0, untried = 0, successes = 0, failures = 0;
  std::uint64_t trials = 0;
  for (std::size_t h = 0; h < strata.size(); ++h) {
    const auto& [population, n, k] = strata[h];
    check_stratum(h, population, n, k);
    const double weight = static_cast<double>(population) / size;
    trials += n;
    successes += static_cast<double>(k);
    failures += static_cast<double>(n - k);
    if (n == 0) {
      untried += weight;
      continue;
    }
    const Interval part = clopper_pearson_interval(k, n, confidence);
    p += weight * part.mean;
    if (n == population) continue;
    const double correction =
        static_cast<double>(population - n) / static_cast<double>(population - 1);
    below += weight * weight * correction * (part.mean - part.lo) * (part.mean - part.lo);
    above += weight * weight * correction * (part.hi - part.mean) * (part.hi - part.mean);
  }
  Interval interval{p, std::sqrt(std::max(0.0, p * (1 - p))), 0, 1, trials};
  interval.lo = std::max(successes / size, p - std::sqrt(below));
  interval.hi = std::min(1 - failures / size, p + std::sqrt(above) + untried);
  if (untried > 0) {
    interval.mean = interval.sd = kNan;
  } else {
    // Where every element was tried the three are equal but for rounding.
    interval.lo = std::min(interval.lo, p);
    interval.hi = std::max(interval.hi, p);
  }
  return interval;
}

Interval stratified_mean(std::span<const MeasuredStratum> strata, double confidence) {
  check_confidence(confidence);
  const double size = checked_size(strata);
  double mean = 0, square = 0, variance = 0, freedom = 0;
  bool known = true, variance_known = true;
  std::uint64_t trials = 0;
  for (std::size_t h = 0; h < strata.size(); ++h) {
    const auto& [population, samples] = strata[h];
    check_stratum(h, population, samples.count(), 0);
    if (population == 0) continue;
    trials += samples.count();
    known = known && samples.count() > 0;
    if (samples.count() == 0) continue;
    const double n = static_cast<double>(samples.count()), count = static_cast<double>(population);
    const double weight = count / size;
    mean += weight * samples.mean();
    square += weight * samples.mean() * samples.mean();
    if (samples.count() == 1) {
      variance_known = variance_known && population == 1;
      continue;
    }
    square += weight * samples.variance() * (count - 1) / count;
    const double part = weight * weight * (1 - n / count) * samples.variance() / n;
    variance += part;
    freedom += part * part / (n - 1);
  }
  Interval interval{mean, std::sqrt(std::max(0.0, square - mean * mean)), -kInfinity, kInfinity,
                    trials};
  if (!known) interval.mean = kNan;
  if (!known || !variance_known) {
    interval.sd = kNan;
    return interval;
  }
  const double half =
      variance > 0 ? two_sided_t(confidence, variance * variance / freedom) * std::sqrt(variance)
                   : 0;
  interval.lo = mean - half;
  interval.hi = mean + half;
  return interval;
}

std::vector<std::uint64_t> neyman_allocation(std::span<const std::uint64_t> populations,
                                             std::span<const double> deviations,
                                             std::uint64_t total, std::uint64_t minimum) {
  if (populations.size() != deviations.size()) {
    fail("an allocation needs one deviation a stratum: {} deviations, {} strata", deviations.size(),
         populations.size());
  }
  // Scaled by the largest deviation, so that no product overflows.
  double scale = 0;
  for (const double deviation : deviations) scale = std::max(scale, deviation);
  std::vector<std::uint64_t> counts;
  std::vector<double> weights, idle;
  std::uint64_t least = 0, most = 0;
  for (std::size_t h = 0; h < populations.size(); ++h) {
    const std::uint64_t size = populations[h];
    if (!(deviations[h] >= 0 && std::isfinite(deviations[h]))) {
      fail("the deviation of stratum {} must be finite and not negative, not {}", h, deviations[h]);
    }
    if (size > std::numeric_limits<std::uint64_t>::max() - most) {
      fail("the strata must hold fewer than 2^64 elements together");
    }
    most += size;
    counts.push_back(std::min(minimum, size));
    least += counts.back();
    const double weight = scale > 0 ? static_cast<double>(size) * (deviations[h] / scale) : 0;
    weights.push_back(weight);
    idle.push_back(weight > 0 ? 0 : static_cast<double>(size));
  }
  if (total < least || total > most) {
    fail(
        "the trials to allocate must number between {} (the minimum of every stratum) and {} "
        "(the population), not {}",
        least, most, total);
  }
  const std::uint64_t left =
      Apportionment(std::move(weights), populations, counts).hand_out(total - least);
  const std::uint64_t none = Apportionment(std::move(idle), populations, counts).hand_out(left);
  FLATENN_ASSERT(none == 0);
  return counts;
}

std::vector<std::uint64_t> proportional_allocation(std::span<const std::uint64_t> populations,
                                                   std::uint64_t total, std::uint64_t minimum) {
  const std::vector<double> equal(populations.size(), 1);
  return neyman_allocation(populations, equal, total, minimum);
}

double smoothed_deviation(std::uint64_t successes, std::uint64_t trials) {
  FLATENN_ASSERT(successes <= trials);
  const double q = (static_cast<double>(successes) + 1) / (static_cast<double>(trials) + 2);
  return std::sqrt(q * (1 - q));
}

}  // namespace flatenn
