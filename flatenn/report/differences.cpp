#include "flatenn/report/differences.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "flatenn/report/protection_costs.h"

namespace flatenn {
namespace {

/// Of the codes: what protects them adds cells behind theirs, or reads them in another way.
auto faults(const Arm& arm) {
  const Subject s = unprotected_subject(arm.subject);
  return std::tuple(s.data_hash, s.exposure, s.source, s.images, s.memory_bits, s.exposed_bits,
                    s.seed);
}

/// Accuracies on the maps that both cells have, in their order.
std::pair<std::vector<double>, std::vector<double>> common(const ArmCell& a, const ArmCell& b) {
  std::pair<std::vector<double>, std::vector<double>> pairs;
  for (std::size_t i = 0, j = 0; i < a.maps.size() && j < b.maps.size();) {
    if (a.maps[i] == b.maps[j]) {
      pairs.first.push_back(a.accuracies[i++]);
      pairs.second.push_back(b.accuracies[j++]);
    } else if (a.maps[i] < b.maps[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

}  // namespace

bool same_faults(const Arm& a, const Arm& b) {
  return faults(a) == faults(b) && a.subject.source != "single";
}

std::vector<Difference> compare(const Arm& a, const Arm& b) {
  std::vector<Difference> differences;
  if (!same_faults(a, b)) return differences;
  for (const ArmCell& cell : a.cells) {
    const ArmCell* other = find_cell(b, cell.summary.kind, cell.summary.rate);
    if (other == nullptr) continue;
    const auto [first, second] = common(cell, *other);
    if (first.empty()) continue;
    differences.push_back(
        {a.name, b.name, cell.summary.kind, cell.summary.rate, paired_interval(first, second)});
  }
  return differences;
}

std::vector<Difference> compare_to_first(const std::vector<Arm>& arms) {
  std::vector<Difference> all;
  for (auto arm = arms.begin(); arm != arms.end(); ++arm) {
    const auto first =
        std::find_if(arms.begin(), arm, [&](const Arm& one) { return same_faults(one, *arm); });
    if (first == arm) continue;
    for (Difference& one : compare(*arm, *first)) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace flatenn
