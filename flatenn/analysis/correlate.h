// Correlate: does what is measured without faults foretell what faults cost?
#pragma once

#include <span>
#include <vector>

#include "flatenn/analysis/results.h"

namespace flatenn {

/// What every network lost under one kind of fault at one rate.
struct LossCell {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::vector<double> lost;  ///< points of accuracy below its own clean one, one a network
};

/// Spearman's coefficient of every measure with every cell's losses. Over all networks, with an
/// interval that takes them as independent, which networks of one arm are not quite; and within
/// seeds, where networks differ by arm alone. Permutations are keyed by `seed`. Throws Error when
/// the analyses hold different measures (settings differ). Precondition: a loss a network.
std::vector<Correlation> correlate(std::span<const StudyAnalysis::Network> networks,
                                   std::span<const LossCell> cells, std::uint64_t seed = 0);

/// Fills `best` and `best_mean` from the correlations: the measure with the largest mean of
/// Correlation::all over the cells where it has one, ties to the first.
void choose_best(StudyAnalysis& study);

/// Predicted loss rise of each weight tensor alone, or of each bit position alone (0 first, over
/// all tensors), under faults of `kind` at `rate`.
std::vector<Ranking::Part> predicted_layers(const Analysis& analysis, FaultKind kind, double rate);
std::vector<Ranking::Part> predicted_positions(const Analysis& analysis, FaultKind kind,
                                               double rate);

}  // namespace flatenn
