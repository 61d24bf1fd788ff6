// IDX arrays, plain or gzip as the bytes say.
#include "flatenn/base/error.h"
#include "flatenn/data/idx.h"
#include "flatenn/data/testing.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

namespace {

Bytes from_bytes(const test::Bytes& bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return {first, first + bytes.size()};
}

}  // namespace

std::vector<Bytes> seed_corpus() {
  const std::vector<std::uint8_t> values(60, 7);
  const auto images = test::idx({5, 3, 4}, values), labels = test::idx({60}, values);
  return {from_bytes(images), from_bytes(labels), from_bytes(test::gzip(images)),
          from_bytes(test::gzip(labels))};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  try {
    const IdxArray array = parse_idx(std::as_bytes(std::span(data, size)), "input");
    std::uint64_t count = 1;
    for (std::uint32_t side : array.shape) count *= side;
    FLATENN_ASSERT(count == array.values.size() && count > 0);
  } catch (const Error&) {
  }
  return 0;
}
