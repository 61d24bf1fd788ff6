// Supply: a fault rate read in volts, and what reading a network's weights costs there.
#pragma once

#include <optional>

#include "flatenn/analysis/voltage.h"
#include "flatenn/campaign/store.h"

namespace flatenn {

struct Supply {
  double voltage = 0;  ///< the lowest with at most the fault rate, in the table's unit
  /// Of an access for all cells that reading the data takes, check bits and skipped columns
  /// included; percent of reading unprotected data at the nominal voltage.
  double read_energy = 0;
  bool end_of_table = false;  ///< the rate lies beyond the table, or at its end
  bool operator==(const Supply&) const = default;
};

/// The supply at which the memory of `subject` has this fault rate, by lowest_voltage. None where
/// the source of its faults has no rate, or the rate is below the nominal voltage's. Throws Error
/// as protection_line does.
std::optional<Supply> supply_at(const VoltageTable& table, const Subject& subject, double rate);

}  // namespace flatenn
