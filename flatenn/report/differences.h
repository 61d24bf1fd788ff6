// Differences: what one arm keeps more than another on the same fault maps.
#pragma once

#include <string>
#include <vector>

#include "flatenn/report/arms.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// Accuracy of `first` minus that of `second` in one cell, points.
struct Difference {
  std::string first, second;  ///< names of the arms
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  Interval points;  ///< mean over the common maps with its 95 % t interval
};

/// Whether fault maps of the same number are the same cells of the codes for both, whatever
/// protects these, on the same images. Throws Error for texts that contradict each other.
bool same_faults(const Arm& a, const Arm& b);

/// `a` minus `b` in every cell that both have common maps for; empty unless same_faults.
std::vector<Difference> compare(const Arm& a, const Arm& b);

/// Every arm minus the first one that met the same faults, cell by cell.
std::vector<Difference> compare_to_first(const std::vector<Arm>& arms);

}  // namespace flatenn
