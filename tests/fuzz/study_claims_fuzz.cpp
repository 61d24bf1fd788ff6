// A study's summary.json as the report reads it, and the sentences and figures made from it.
#include <string_view>

#include "flatenn/base/error.h"
#include "flatenn/report/page.h"
#include "flatenn/report/verdict.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  constexpr std::string_view kSummary =
      R"({"claims": [{"id": "C3", "metric": "code", "holds": true, "points": 16.1, "lo": 15.4,
      "hi": 16.8, "kind": "flip", "rate": 0.05}], "claims_by_cell": [{"id": "C3", "metric": "code",
      "holds": false, "points": 0.1, "lo": null, "hi": null, "kind": "stuck0", "rate": 0.01}],
      "claims_on_drop": [], "claims_by_cell_on_drop": [{"id": "C1", "metric": "", "holds": false,
      "points": -1, "lo": -2, "hi": 0, "kind": "stuck1", "rate": 0.05}]})";
  return {Bytes(kSummary.begin(), kSummary.end())};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  try {
    PageInputs inputs;
    inputs.claims = read_study_claims({reinterpret_cast<const char*>(data), size}, "summary.json");
    FLATENN_ASSERT(!verdicts(inputs).empty());
    for (const PageSection& section : page_sections(inputs)) {
      for (const PageFigure& figure : section.figures) {
        figure.table.json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
