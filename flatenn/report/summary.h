// Summary: what the trials of a store say, cell by cell.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "flatenn/campaign/store.h"

namespace flatenn {

/// One network under one kind of fault at one rate. Accuracies in percent, the rate a fraction.
struct CellSummary {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::uint64_t maps = 0;
  double mean = 0;         ///< over fault maps
  double sd = 0;           ///< over fault maps, n - 1; 0 for one map
  double lo = 0, hi = 0;   ///< 95 % t interval of the mean, within [0, 100]; all of it for one map
  double faulty_bits = 0;  ///< mean count a map
  double changed_bits = 0;
  double answers_changed = 0;  ///< mean count of images a map, against the answers without faults
};

struct SubjectSummary {
  Subject subject;
  /// Quantized, without faults; 95 % Wilson interval over images.
  double clean = 0, clean_lo = 0, clean_hi = 0;
  std::vector<CellSummary> cells;  ///< by kind, rate
};

/// Which fault maps count: ids in [first, last).
struct MapRange {
  std::uint64_t first = 0;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
};

/// Cells of `trials` (any order), each on `images` images.
std::vector<CellSummary> summarize_cells(const std::vector<Trial>& trials, std::uint64_t images,
                                         const MapRange& maps = {});

SubjectSummary summarize(const Subject& subject, const std::vector<Trial>& trials,
                         const MapRange& maps = {});
/// Every subject of the store, in its order.
std::vector<SubjectSummary> summarize(const Store& store, const MapRange& maps = {});

}  // namespace flatenn
