// Protections as settings and as a store tells them, beside the layout of the memory: the first
// line is the protection, the rest the layout.
#include <algorithm>
#include <string>
#include <string_view>

#include "flatenn/base/error.h"
#include "flatenn/campaign/testing.h"
#include "flatenn/memory/protection.h"
#include "flatenn/report/protection_costs.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  return {to_bytes("headroom:2+interleave:8+tmr:1+secded:64:zero+bound:1\nfc.weight 800x8"),
          to_bytes("skip:8:128x256+rotate:1\nfc.weight 800x8"),
          to_bytes("rotate:4+parity:16\nconv1.weight 150x4, fc.weight 40x8"),
          to_bytes("protect:2+secded:16\na 17x8, a.bias 4x16b, b 4x4a"),
          to_bytes("bound:3:channel+tmr:2\n")};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  try {
    const Guard guard = parse_guard(first);
    FLATENN_ASSERT(parse_guard(to_string(guard)) == guard);
  } catch (const Error&) {
  }
  try {
    const Placement placement = parse_placement(first);
    FLATENN_ASSERT(parse_placement(to_string(placement)) == placement);
  } catch (const Error&) {
  }
  try {
    Subject subject = example_subject();
    subject.source = "cells | " + std::string(first);
    subject.layout = text.substr(std::min(first.size() + 1, text.size()));
    FLATENN_ASSERT(protection_line(subject).empty() == protection_json(subject).is_null());
  } catch (const Error&) {
  }
  return 0;
}
