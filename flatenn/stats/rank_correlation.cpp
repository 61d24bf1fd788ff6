#include "flatenn/stats/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Ranks minus their mean, and the sum of their squares.
struct CentredRanks {
  explicit CentredRanks(std::span<const double> values) : centred(ranks(values)) {
    const double middle = (static_cast<double>(values.size()) + 1) / 2;
    for (double& rank : centred) {
      rank -= middle;
      squares += rank * rank;
    }
  }
  std::vector<double> centred;
  double squares = 0;
};

double correlate(const CentredRanks& a, const CentredRanks& b) {
  if (a.squares == 0 || b.squares == 0) return kNaN;
  const double product =
      std::inner_product(a.centred.begin(), a.centred.end(), b.centred.begin(), 0.0);
  return std::clamp(product / std::sqrt(a.squares * b.squares), -1.0, 1.0);
}

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  for (const double value : values) {
    if (std::isnan(value)) fail("a rank of NaN was asked for");
  }
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> result(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double shared = (static_cast<double>(first + 1) + static_cast<double>(last)) / 2;
    for (std::size_t i = first; i < last; ++i) result[order[i]] = shared;
    first = last;
  }
  return result;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  FLATENN_ASSERT(a.size() == b.size());
  if (a.size() < 2) return kNaN;
  return correlate(CentredRanks(a), CentredRanks(b));
}

Interval spearman_interval(std::span<const double> a, std::span<const double> b,
                           double confidence) {
  const double z = two_sided_z(confidence);
  Interval interval{spearman(a, b), kNaN, -1, 1, a.size()};
  if (a.size() < 4 || std::isnan(interval.mean)) return interval;
  const double r = std::clamp(interval.mean, -0.999999, 0.999999);
  const double deviation = std::sqrt((1 + r * r / 2) / (static_cast<double>(a.size()) - 3));
  interval.lo = std::tanh(std::atanh(r) - z * deviation);
  interval.hi = std::tanh(std::atanh(r) + z * deviation);
  return interval;
}

Interval grouped_spearman(std::span<const PairGroup> groups, double confidence) {
  Accumulator coefficients;
  for (const PairGroup& group : groups) {
    const double r = spearman(group.a, group.b);
    if (!std::isnan(r)) coefficients.add(r);
  }
  Interval interval = t_interval(coefficients, confidence);
  interval.lo = std::max(interval.lo, -1.0);
  interval.hi = std::min(interval.hi, 1.0);
  return interval;
}

double grouped_spearman_p(std::span<const PairGroup> groups, std::uint64_t permutations,
                          std::uint64_t seed, std::uint64_t index) {
  std::vector<std::pair<CentredRanks, CentredRanks>> ranked;
  double seen = 0;
  for (const PairGroup& group : groups) {
    FLATENN_ASSERT(group.a.size() == group.b.size());
    ranked.emplace_back(group.a, group.b);
    const double r = correlate(ranked.back().first, ranked.back().second);
    if (std::isnan(r)) {
      ranked.pop_back();
    } else {
      seen += r;
    }
  }
  if (ranked.empty()) return 1;
  // A hair below: the same sum in another order must count as far as the one seen.
  const double bar = std::abs(seen) - 1e-12;
  std::uint64_t as_far = 0;
  for (std::uint64_t k = 0; k < permutations; ++k) {
    RandomStream stream(seed, Purpose::permutation, index, k);
    double sum = 0;
    for (auto& [a, b] : ranked) {
      for (std::size_t i = a.centred.size(); i > 1; --i) {
        std::swap(a.centred[i - 1], a.centred[stream.below(i)]);
      }
      sum += correlate(a, b);
    }
    if (std::abs(sum) >= bar) ++as_far;
  }
  return (1 + static_cast<double>(as_far)) / (1 + static_cast<double>(permutations));
}

}  // namespace flatenn
