// Single-bit campaigns: what one faulty cell does, for every exposed cell or a sample of them.
//
// Cells of one bit position of one weight tensor are alike, so they form a stratum. A sample is
// drawn in two rounds (Neyman 1934; Cochran, Sampling Techniques, 1977, section 5.5): half of it in
// proportion to the strata as a pilot, the rest where the pilot saw outcomes vary.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "flatenn/campaign/store.h"
#include "flatenn/memory/layout.h"

namespace flatenn {

/// The exposed cells of one bit position of one tensor.
struct BitStratum {
  int tensor = 0;
  int bit = 0;
  std::uint64_t cells = 0;
  bool operator==(const BitStratum&) const = default;
};

/// In memory order, least significant bit first. Precondition: the exposure is one of the memory.
std::vector<BitStratum> bit_strata(const MemoryLayout& memory, const Exposure& exposure);

/// Calls `visit` with every exposed address of [first, last), ascending.
void for_each_cell(const Exposure& exposure, std::uint64_t first, std::uint64_t last,
                   const std::function<void(std::uint64_t)>& visit);

/// At least so many cells of each stratum (or all of it) are tried, even where that makes the
/// sample larger than asked.
inline constexpr std::uint64_t kMinimumPerStratum = 8;

struct BitSampling {
  std::uint64_t seed = 0;
  const std::vector<BitStratum>& strata;
  const MemoryLayout& memory;
  std::uint64_t total = 0;  ///< cells to try
};

/// What a sample still needs.
struct BitSample {
  std::vector<std::uint64_t> missing;  ///< addresses, ascending; empty: the sample is complete
  double stored = 0;                   ///< cells of the sample tried already
  double expected = 0;                 ///< cells in all
};

/// The next round of a sample under `kind`, given the trials stored; an outcome counts as such when
/// any answer changed.
BitSample next_bit_sample(const BitSampling& sampling, FaultKind kind,
                          const std::vector<Trial>& stored);

}  // namespace flatenn
