#include "flatenn/base/error.h"

namespace flatenn::internal {

void assertion_failed(const char* condition, const char* file, int line) {
  throw InternalError(
      fmt::format("{}:{}: internal error: '{}' does not hold", file, line, condition));
}

}  // namespace flatenn::internal
