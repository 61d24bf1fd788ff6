// Claims: what the study says about four sentences on sparsity and sharpness-aware training.
//
// With F = accuracy under faults, in points:
//   C1 = F(standard) - F(sparse)            sparse networks suffer more
//   C2 = F(sparse-saq) - F(sparse)          SAQ helps the sparse network
//   C3 = F(standard-saq) - F(standard)      SAQ helps the standard network
//   C4 = F(sparse-saq) - F(standard)        the sparse network with SAQ beats the standard one
// C2 to C4 once for each metric of SAQ. On the basis of drops, minus the drop from each arm's own
// clean accuracy takes the place of F.
//
// A difference is taken on the same fault map, then averaged over training seeds; its mean over
// maps is `points`, its 95 % t interval over maps [lo, hi]. A claim holds when lo > 0 and the mean
// of every single seed is above 0.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// One arm in one cell. Accuracies in percent; all arms of a cell on the same seeds and maps.
struct ArmAccuracies {
  std::string name;
  bool sparse = false;
  std::string metric;                       ///< empty: plain training
  std::vector<double> clean;                ///< [seed], on the same images
  std::vector<std::vector<double>> faulty;  ///< [seed][map]
  bool variant = false;                     ///< no claim is about it
};

/// One kind of fault at one rate.
struct CellAccuracies {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::vector<ArmAccuracies> arms;
};

enum class Basis { accuracy, drop };

struct Claim {
  std::string id;
  std::string metric;  ///< empty for C1
  bool holds = false;
  double points = 0;
  double lo = 0, hi = 0;
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::optional<double> paper_points;  ///< the paper's "up to" figure, for orientation only
};

/// All claims that the arms of the cell allow: C1, then C2 to C4 metric by metric.
std::vector<Claim> judge_claims(const CellAccuracies& cell, Basis basis);

/// "standard - sparse": what a claim compares.
std::string claim_sentence(std::string_view id);

/// Mean and 95 % t interval over maps of an arm's accuracy averaged over seeds.
Interval seed_averaged(const ArmAccuracies& arm);

}  // namespace flatenn
