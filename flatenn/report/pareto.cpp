#include "flatenn/report/pareto.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "flatenn/base/error.h"

namespace flatenn {

bool dominates(std::span<const double> a, std::span<const double> b,
               std::span<const Better> better) {
  FLATENN_ASSERT(a.size() == better.size() && b.size() == better.size());
  bool ahead = false;
  for (std::size_t i = 0; i < better.size(); ++i) {
    FLATENN_ASSERT(std::isfinite(a[i]) && std::isfinite(b[i]));
    const bool higher = better[i] == Better::higher;
    if (higher ? a[i] < b[i] : a[i] > b[i]) return false;
    ahead = ahead || a[i] != b[i];
  }
  return ahead;
}

std::vector<bool> pareto_front(const std::vector<std::vector<double>>& points,
                               const std::vector<Better>& better) {
  std::vector<bool> front;
  for (const std::vector<double>& point : points) {
    front.push_back(std::ranges::none_of(
        points, [&](const std::vector<double>& other) { return dominates(other, point, better); }));
  }
  return front;
}

}  // namespace flatenn
