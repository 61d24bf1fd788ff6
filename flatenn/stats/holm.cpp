#include "flatenn/stats/holm.h"

#include <algorithm>
#include <numeric>

#include "flatenn/base/error.h"

namespace flatenn {

std::vector<double> holm_adjust(std::span<const double> p_values) {
  for (const double p : p_values) {
    if (!(p >= 0 && p <= 1)) fail("a p value must lie between 0 and 1, not at {}", p);
  }
  const std::size_t m = p_values.size();
  std::vector<std::size_t> order(m);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(m);
  double largest = 0;
  for (std::size_t rank = 0; rank < m; ++rank) {
    const double p = static_cast<double>(m - rank) * p_values[order[rank]];
    largest = std::max(largest, std::min(1.0, p));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

}  // namespace flatenn
