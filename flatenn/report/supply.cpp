#include "flatenn/report/supply.h"

#include "flatenn/report/protection_costs.h"

namespace flatenn {

std::optional<Supply> supply_at(const VoltageTable& table, const Subject& subject, double rate) {
  if (subject.source.starts_with("single") || subject.source.starts_with("file")) return {};
  const auto point = lowest_voltage(table, rate);
  if (!point) return {};
  const std::optional<ProtectionCost> cost = stored_cost(subject);
  const double cells = cost ? 1 + cost->overhead() / 100 : 1;
  return Supply{point->voltage, 100 * (1 - point->energy_saved) * cells, point->end_of_table};
}

}  // namespace flatenn
