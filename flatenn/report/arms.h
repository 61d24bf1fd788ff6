// Arms: the networks of a store, training seeds of one arm taken together.
//
// A study calls its networks <arm>-seed<k>. Networks whose labels differ in that ending alone, and
// that met the same faults on the same images behind the same protection, are one arm: its accuracy
// under a fault map is the mean over its seeds, and intervals are over maps. Any other network is
// an arm of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flatenn/memory/protection.h"
#include "flatenn/report/summary.h"

namespace flatenn {

/// One kind of fault at one rate. `summary` counts the maps that every seed has met.
struct ArmCell {
  CellSummary summary;
  std::vector<std::uint64_t> maps;  ///< ascending
  std::vector<double> accuracies;   ///< percent, a map each, mean over seeds
  std::vector<double> seed_means;   ///< percent, a label of the arm each, over the same maps
  std::vector<std::vector<double>> seed_accuracies;  ///< percent, [label][map]
};

struct Arm {
  /// Unique in its list: with its protection, and with exposure and source where labels repeat.
  std::string name;
  Subject subject;                       ///< of the first seed
  std::string protection;                ///< canonical text; empty: none
  std::vector<std::string> labels;       ///< of the seeds, in the store's order
  double float_accuracy = -1;            ///< mean over seeds; negative: unknown
  double sparsity = -1;                  ///< mean over seeds; negative: unknown
  double training_seconds = -1;          ///< mean over seeds; negative: unknown (training_time.h)
  std::optional<ProtectionCost> stored;  ///< bits of one network; none: its layout is not known
  /// Mean over seeds; 95 % Wilson interval over images, of one network at that accuracy.
  double clean = 0, clean_lo = 0, clean_hi = 0;
  std::vector<double> seed_clean;             ///< percent, a label each
  std::uint64_t trials = 0;                   ///< that were read
  std::vector<ArmCell> cells;                 ///< by kind, rate
  std::vector<SingleBitSummary> single_bits;  ///< of the first seed
};

/// "sparse-saq-seed2" -> {"sparse-saq", "2"}; a label without such an ending -> {label, ""}.
std::pair<std::string, std::string> split_seed(const std::string& label);

/// "sparse", "secded:64" -> "sparse + secded:64"; without a protection the name alone.
std::string protected_name(const std::string& name, const std::string& protection);

/// Arms in the order in which the store first names them. `labels`: these networks or arms alone,
/// behind any protection or the one that is named, in this order; empty: all. Single bits are
/// critical above `critical_points`. Throws Error for a name that the store does not have, and for
/// subjects whose texts contradict each other.
std::vector<Arm> read_arms(const Store& store, const MapRange& maps = {},
                           const std::vector<std::string>& labels = {},
                           double critical_points = kCriticalPoints);

/// The cell of this kind and rate, or null.
const ArmCell* find_cell(const Arm& arm, FaultKind kind, double rate);

/// Of values that stand for `maps`, those of the wanted maps. Precondition: `maps` holds these,
/// both ascending.
std::vector<double> on_maps(const std::vector<std::uint64_t>& maps,
                            const std::vector<double>& values,
                            const std::vector<std::uint64_t>& wanted);

/// Without the last digits, where means of equal accuracies may differ by rounding: a difference of
/// nothing must be 0, which has no sign.
double rounded_points(double points);

}  // namespace flatenn
