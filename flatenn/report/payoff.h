// Payoff: at which fault rates protecting the bits beats training for their loss.
//
// A protection buys accuracy with stored bits, training with none. At each rate a protected arm is
// set against the unprotected arm that keeps most there, on the fault maps that all of these have
// met. The best one is chosen on the same maps, which favours training a little where several are
// close.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/report/arms.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// Who keeps more, as far as the interval shows it.
enum class Payer { protection, training, open };
/// "protection", "training", "open".
std::string_view to_string(Payer payer);

struct PayoffCell {
  double rate = 0;
  std::string best;  ///< the unprotected arm that keeps most
  Interval points;   ///< protected arm minus the best; mean over maps with its 95 % t interval
  bool few_decide = false;  ///< some maps lie so far off that the interval is not to be trusted
  Payer payer() const;
};

/// One protected arm whose protection costs stored bits.
struct Payoff {
  std::string arm;
  ProtectionCost cost;  ///< of one network
  FaultKind kind = FaultKind::flip;
  std::vector<PayoffCell> cells;  ///< rates that it and an unprotected arm have, ascending

  /// The highest rate at which the protection is shown to keep more; none: at no rate.
  std::optional<double> pays_up_to() const;
  /// The lowest rate from which on the best training is shown to keep more, up to the highest
  /// measured one; none: not even there.
  std::optional<double> beaten_from() const;
};

/// Every protected arm that stores more bits than its codes have; with `plain`, an index, those of
/// that arm's network alone. `on_drop`: each accuracy minus the arm's own clean accuracy. Empty
/// where no unprotected arm met the same faults.
std::vector<Payoff> payoffs(const std::vector<Arm>& arms, FaultKind kind,
                            const std::optional<std::size_t>& plain = {}, bool on_drop = false);

/// "saq + secded:64 (12.5 % more bits) keeps more than the best unprotected arm up to rate 0.003;
/// less from rate 0.03 on; not shown either way at rate 0.01".
std::string payoff_words(const Payoff& payoff);

}  // namespace flatenn
