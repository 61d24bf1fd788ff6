// Tolerated: the fault rate at which an arm has lost so many points, read off its curve.
//
// Between two measured rates the mean is taken as linear in the logarithm of the rate. It costs no
// trial; where the figure decides something, measure it.
#pragma once

#include <limits>
#include <vector>

#include "flatenn/report/arms.h"

namespace flatenn {

/// Rates, the interval from where the curve's interval bounds cross. 0: already below the lowest
/// measured rate; infinity: not within the measured rates.
struct ToleratedRate {
  double rate = 0;
  double lo = 0, hi = std::numeric_limits<double>::infinity();
  bool measured() const { return rate > 0 && rate < std::numeric_limits<double>::infinity(); }
};

/// First crossing of clean - `loss`. Precondition: the arm has cells of this kind.
ToleratedRate tolerated_rate(const Arm& arm, FaultKind kind, double loss);

/// The loss among 1, 2, 5, 10 and 20 points for which most curves cross within the measured rates;
/// of equals the smallest.
double telling_loss(const std::vector<Arm>& arms);

}  // namespace flatenn
