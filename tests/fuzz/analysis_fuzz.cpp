// Results of 'flatenn analyze', of a network and of a study.
#include <nlohmann/json.hpp>

#include "flatenn/analysis/example_testing.h"
#include "flatenn/analysis/results_json.h"
#include "flatenn/base/error.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  StudyAnalysis study;
  study.networks = {{"arm", 0, example_analysis("arm-seed0", 2)}};
  study.correlations = {{"trace", FaultKind::flip, 0.01, {0.5, 0, 0, 1, 6}, {0.4, 0, 0, 1, 2}, 1}};
  study.rankings = {{"arm-seed0", "bits", FaultKind::flip, 0.05, {{"bit 0", 1, 2}}, {}}};
  return {to_bytes(analysis_json(example_analysis("a", 1)).dump()),
          to_bytes(study_analysis_json(study).dump()),
          to_bytes(R"({"format": 1, "analysis": {"label": "a", "bits": null}})"),
          to_bytes(R"({"format": 2, "analysis": {"label": "a", "bits": null}})"),
          to_bytes(R"({"format": 2, "study": {}})")};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    // What was read can be written, and reads back as the same.
    const std::string written = analysis_json(parse_analysis(text, "a.json")).dump();
    FLATENN_ASSERT(analysis_json(parse_analysis(written, "a.json")).dump() == written);
  } catch (const Error&) {
  }
  try {
    const std::string written = study_analysis_json(parse_study_analysis(text, "s.json")).dump();
    FLATENN_ASSERT(study_analysis_json(parse_study_analysis(written, "s.json")).dump() == written);
  } catch (const Error&) {
  }
  return 0;
}
