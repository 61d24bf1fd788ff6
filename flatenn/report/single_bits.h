// Single bits: what the trials of a single-bit campaign say, by layer and bit position.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "flatenn/campaign/store.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// Unless told otherwise, a fault is critical when accuracy falls by more than so many points.
inline constexpr double kCriticalPoints = 1;

/// Cells of one bit position of one weight tensor. Every fault is masked (no answer changes),
/// critical, or neither (answers change, and accuracy hardly).
struct BitOutcomes {
  std::string tensor;
  int bit = 0;               ///< 0 = least significant
  std::uint64_t cells = 0;   ///< exposed
  std::uint64_t trials = 0;  ///< cells that were tried
  std::uint64_t masked = 0;
  std::uint64_t critical = 0;
  double mean_loss = 0;   ///< points of accuracy, over the trials
  double worst_loss = 0;  ///< points
  /// Share of critical cells among all, percent; 95 % Clopper-Pearson, exact once all were tried.
  Interval critical_share;
};

/// All cells under one kind of fault.
struct SingleBitSummary {
  FaultKind kind = FaultKind::flip;
  double critical_points = 0;
  std::vector<BitOutcomes> strata;  ///< in memory order
  /// Over all exposed cells, each stratum with its weight (stratified_proportion), percent.
  Interval changed_share;  ///< any answer changes
  Interval critical_share;
};

/// By kind, as far as there are trials. Precondition: subject.source is "single". Throws Error when
/// the subject's layout and exposure do not fit its trials.
std::vector<SingleBitSummary> summarize_single_bits(const Subject& subject,
                                                    const std::vector<Trial>& trials,
                                                    double critical_points);

std::string single_bits_text(const std::vector<SingleBitSummary>& summaries);
/// [{"kind", "critical_points", "changed", ..., "strata": [{"tensor", "bit", ...}]}].
nlohmann::ordered_json single_bits_json(const std::vector<SingleBitSummary>& summaries);

}  // namespace flatenn
