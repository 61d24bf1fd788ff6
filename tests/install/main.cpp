// What a stranger's first program looks like: count a network's bits, draw its faulty cells.
#include <cstdio>

#include "flatenn/graph/builders.h"
#include "flatenn/memory/fault_map.h"

int main() {
  std::uint64_t bits = 0;
  for (const flatenn::NodeInfo& node : flatenn::check_graph(flatenn::lenet5({}))) {
    bits += 4 * static_cast<std::uint64_t>(node.weight_count);
  }
  std::vector<flatenn::Fault> faults;
  flatenn::draw_fault_map(/*seed=*/1, /*map=*/0, bits, /*rate=*/0.01, faults);
  std::printf("LeNet-5 at 4 bits: %llu bits, %zu of them faulty\n",
              static_cast<unsigned long long>(bits), faults.size());
  return bits > 0 && !faults.empty() ? 0 : 1;
}
