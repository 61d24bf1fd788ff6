// Jobs: independent pieces of long work side by side, one thread each.
#pragma once

#include <functional>
#include <vector>

#include "flatenn/base/events.h"

namespace flatenn {

/// Runs `jobs`, at most `parallel` at a time, started in their order. When one throws, the others
/// are asked to stop; when all are still, the first Error (or other mistake) is thrown, Interrupted
/// only when nothing else went wrong. Precondition: parallel >= 1.
void run_jobs(const std::vector<std::function<void(const Context&)>>& jobs, int parallel,
              const Context& context);

}  // namespace flatenn
