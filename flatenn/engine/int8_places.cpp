#include "flatenn/engine/int8_places.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace flatenn::int8 {

void place_buffers(Plan& plan) {
  using Geometry = std::tuple<int, int, int, int, int>;
  const auto geometry = [&](int b) -> Geometry {
    const Buffer& x = plan.buffers[b];
    return {x.shape.channels, x.shape.height, x.shape.width, x.pad, x.zero_point};
  };
  std::vector<std::size_t> last_read(plan.buffers.size(), 0);
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    for (const int b : buffers_read(plan.steps[s])) last_read[b] = s;
  }
  plan.places.assign(plan.buffers.size(), -1);
  std::map<Geometry, std::vector<std::int64_t>> free;
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const int out = buffer_written(plan.steps[s]);
    if (out != logits && plan.places[out] < 0) {
      std::vector<std::int64_t>& same = free[geometry(out)];
      if (same.empty()) {
        same.push_back(plan.arena_bytes);
        plan.arena_bytes += plan.buffers[out].bytes();
      }
      plan.places[out] = same.back();
      same.pop_back();
    }
    std::vector<int> read = buffers_read(plan.steps[s]);
    std::sort(read.begin(), read.end());
    read.erase(std::unique(read.begin(), read.end()), read.end());
    for (const int b : read) {
      if (b != 0 && last_read[b] == s) free[geometry(b)].push_back(plan.places[b]);
    }
  }
}

}  // namespace flatenn::int8
