#include "flatenn/report/supply.h"

#include "flatenn/report/protection_costs.h"

namespace flatenn {

std::optional<Supply> supply_at(const VoltageTable& table, const Subject& subject, double rate) {
  if (subject.source.starts_with("single") || subject.source.starts_with("file")) return {};
  const auto point = lowest_voltage(table, rate);
  if (!point) return {};
  const double cells = 1 + overhead_percent(subject) / 100;
  return Supply{point->voltage, 100 * (1 - point->energy_saved) * cells, point->end_of_table};
}

}  // namespace flatenn
