// A training's log.jsonl as the report reads it: what the training took.
#include <cmath>
#include <string>
#include <string_view>

#include "flatenn/base/error.h"
#include "flatenn/report/training_time.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  constexpr std::string_view kLog =
      "{\"epoch\":1,\"loss\":0.62,\"radius\":0.0,\"seconds\":2.7775}\n"
      "{\"epoch\":2,\"loss\":0.40,\"radius\":0.0,\"seconds\":1e2}\n";
  return {Bytes(kLog.begin(), kLog.end())};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  try {
    const double seconds =
        parse_training_seconds({reinterpret_cast<const char*>(data), size}, "log.jsonl");
    FLATENN_ASSERT(std::isfinite(seconds) && (seconds >= 0 || seconds == -1));
  } catch (const Error&) {
  }
  return 0;
}
