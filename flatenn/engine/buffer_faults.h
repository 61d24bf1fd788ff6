// What all evaluators ask of faults in activation buffers.
#pragma once

#include <span>

#include "flatenn/graph/graph.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {

/// Precondition of Evaluator::set_buffer_faults, checked: an activation or quantize node, an
/// element that it has, and masks within its bits.
void check_buffer_fault(const BufferFault& fault, const Graph& graph,
                        std::span<const NodeInfo> infos);

}  // namespace flatenn
