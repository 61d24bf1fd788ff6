#include "flatenn/campaign/single_bit.h"

#include <algorithm>
#include <unordered_map>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/stratified.h"

namespace flatenn {
namespace {

/// The first `count` cells of a stratum in the order in which it is sampled: a longer sample starts
/// with the shorter one.
std::vector<std::uint64_t> sampled_cells(const BitSampling& sampling, const BitStratum& stratum,
                                         std::uint64_t count) {
  RandomStream stream(sampling.seed, Purpose::subset, static_cast<std::uint64_t>(stratum.tensor),
                      static_cast<std::uint64_t>(stratum.bit));
  std::vector<std::uint32_t> order(stratum.cells);
  random_permutation(stream, order);
  std::vector<std::uint64_t> cells;
  for (std::uint64_t i = 0; i < count; ++i) {
    cells.push_back(sampling.memory.address({stratum.tensor, order[i], stratum.bit}));
  }
  return cells;
}

std::vector<std::uint64_t> populations(const std::vector<BitStratum>& strata) {
  std::vector<std::uint64_t> cells;
  for (const BitStratum& stratum : strata) cells.push_back(stratum.cells);
  return cells;
}

/// No more than there is, no less than the minimum of every stratum.
std::uint64_t feasible_total(const std::vector<BitStratum>& strata, std::uint64_t total) {
  std::uint64_t least = 0, most = 0;
  for (const BitStratum& stratum : strata) {
    least += std::min(stratum.cells, kMinimumPerStratum);
    most += stratum.cells;
  }
  return std::clamp(total, least, most);
}

/// Outcomes of one kind by address.
using Outcomes = std::unordered_map<std::uint64_t, bool>;

/// Of the first counts[h] cells of each stratum, those not tried yet.
BitSample round_of(const BitSampling& sampling, const std::vector<std::uint64_t>& counts,
                   const Outcomes& outcomes) {
  BitSample sample;
  for (std::size_t h = 0; h < counts.size(); ++h) {
    for (const std::uint64_t address : sampled_cells(sampling, sampling.strata[h], counts[h])) {
      sample.expected += 1;
      if (outcomes.contains(address)) {
        sample.stored += 1;
      } else {
        sample.missing.push_back(address);
      }
    }
  }
  std::ranges::sort(sample.missing);
  return sample;
}

/// Deviation of the outcome in each stratum, from its first counts[h] cells, all tried.
std::vector<double> deviations(const BitSampling& sampling,
                               const std::vector<std::uint64_t>& counts, const Outcomes& outcomes) {
  std::vector<double> deviations;
  for (std::size_t h = 0; h < counts.size(); ++h) {
    std::uint64_t successes = 0;
    for (const std::uint64_t address : sampled_cells(sampling, sampling.strata[h], counts[h])) {
      successes += outcomes.at(address);
    }
    deviations.push_back(smoothed_deviation(successes, counts[h]));
  }
  return deviations;
}

}  // namespace

std::vector<BitStratum> bit_strata(const MemoryLayout& memory, const Exposure& exposure) {
  std::vector<BitStratum> strata;
  for (const Exposure::Range& range : exposure.ranges) {
    const auto bits = static_cast<std::uint64_t>(range.bits);
    for (int bit = 0; bit < range.bits; ++bit) {
      if ((range.mask >> bit & 1) == 0) continue;
      strata.push_back({memory.cell(range.first).tensor, bit, (range.last - range.first) / bits});
    }
  }
  return strata;
}

void for_each_cell(const Exposure& exposure, std::uint64_t first, std::uint64_t last,
                   const std::function<void(std::uint64_t)>& visit) {
  for (const Exposure::Range& range : exposure.ranges) {
    const auto bits = static_cast<std::uint64_t>(range.bits);
    const std::uint64_t end = std::min(range.last, last);
    for (std::uint64_t address = std::max(range.first, first); address < end; ++address) {
      if ((range.mask >> ((address - range.first) % bits) & 1) != 0) visit(address);
    }
  }
}

BitSample next_bit_sample(const BitSampling& sampling, FaultKind kind,
                          const std::vector<Trial>& stored) {
  Outcomes outcomes;
  for (const Trial& trial : stored) {
    if (trial.kind == kind) outcomes[trial.map] = trial.answers_changed > 0;
  }
  const std::vector<std::uint64_t> cells = populations(sampling.strata);
  const std::uint64_t total = feasible_total(sampling.strata, sampling.total);
  std::vector<std::uint64_t> counts = proportional_allocation(
      cells, feasible_total(sampling.strata, sampling.total / 2), kMinimumPerStratum);
  BitSample pilot = round_of(sampling, counts, outcomes);
  if (!pilot.missing.empty()) {
    pilot.expected = static_cast<double>(total);
    return pilot;
  }
  const std::vector<std::uint64_t> best =
      neyman_allocation(cells, deviations(sampling, counts, outcomes), total, kMinimumPerStratum);
  for (std::size_t h = 0; h < counts.size(); ++h) counts[h] = std::max(counts[h], best[h]);
  return round_of(sampling, counts, outcomes);
}

}  // namespace flatenn
