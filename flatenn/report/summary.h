// Summary: what the trials of a store say, cell by cell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/campaign/store.h"
#include "flatenn/report/single_bits.h"

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
  /// 95 % confidence sequence of the mean over the maps in the order of their ids: holds also where
  /// the number of maps was chosen by looking at them, and where single maps collapse.
  double anytime_lo = 0, anytime_hi = 0;
  bool few_decide = false;  ///< some maps lie so far off that the t interval is not to be trusted
};

struct SubjectSummary {
  Subject subject;
  /// Quantized, without faults; 95 % Wilson interval over images.
  double clean = 0, clean_lo = 0, clean_hi = 0;
  std::vector<CellSummary> cells;  ///< by kind, rate
  /// Of single-bit campaigns, by kind; their cells hold the mean over the bits that were tried.
  std::vector<SingleBitSummary> single_bits = {};
};

/// Spread and intervals of accuracies (percent), one a map in the order of map ids; the rest of the
/// cell is left as it is by default.
CellSummary summarize_accuracies(const std::vector<double>& accuracies);

/// Cells of `trials` (any order), each on `images` images.
std::vector<CellSummary> summarize_cells(const std::vector<Trial>& trials, std::uint64_t images,
                                         const MapRange& maps = {});

/// `critical_points`: a single faulty bit is critical when accuracy falls by more.
SubjectSummary summarize(const Subject& subject, const std::vector<Trial>& trials,
                         const MapRange& maps = {}, double critical_points = kCriticalPoints);
/// Every subject of the store, in its order.
std::vector<SubjectSummary> summarize(const Store& store, const MapRange& maps = {},
                                      double critical_points = kCriticalPoints);

}  // namespace flatenn
