#include "flatenn/base/events.h"

#include "flatenn/base/error.h"

namespace flatenn {

Context default_context() {
  static Events ignore_all;
  return {&ignore_all, {}};
}

void throw_if_stopped(const Context& context) {
  if (context.stop.stop_requested()) throw Interrupted("stopped; the same command resumes");
}

}  // namespace flatenn
