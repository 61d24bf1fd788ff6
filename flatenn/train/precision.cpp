#include "flatenn/train/precision.h"

#include "flatenn/base/error.h"

namespace flatenn {

const std::vector<std::string>& precision_names() {
  static const std::vector<std::string> names{"float32", "bfloat16"};
  return names;
}

bool multiplies_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

void check_precision(TrainPrecision precision, bool supported) {
  if (precision == TrainPrecision::float32 || supported) return;
  fail(
      "precision = \"bfloat16\" needs a processor with AVX512_BF16, which this one is not; set "
      "precision = \"float32\"");
}

}  // namespace flatenn
