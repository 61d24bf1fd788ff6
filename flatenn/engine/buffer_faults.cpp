#include "flatenn/engine/buffer_faults.h"

#include <variant>

#include "flatenn/base/error.h"

namespace flatenn {

void check_buffer_fault(const BufferFault& fault, const Graph& graph,
                        std::span<const NodeInfo> infos) {
  FLATENN_ASSERT(fault.node >= 0 && fault.node < static_cast<int>(infos.size()));
  const Op& op = graph.nodes[static_cast<std::size_t>(fault.node)].op;
  FLATENN_ASSERT(std::holds_alternative<Activation>(op) || std::holds_alternative<Quantize>(op));
  const NodeInfo& info = infos[static_cast<std::size_t>(fault.node)];
  FLATENN_ASSERT(fault.element >= 0 && fault.element < info.shape.elements());
  const int words = info.max_code - info.min_code + 1;
  FLATENN_ASSERT(fault.toggle < words && (~fault.keep & 0xff) < words);
}

}  // namespace flatenn
