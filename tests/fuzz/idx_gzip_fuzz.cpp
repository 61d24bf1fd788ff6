// IDX content inside a sound gzip stream: mutations reach the header behind the checksum.
#include "flatenn/base/error.h"
#include "flatenn/data/idx.h"
#include "flatenn/data/testing.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  // A small array, one as compressible as can be, one whose header promises far too much.
  return {{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6},
          [] {
            Bytes zeros(4000 + 8);
            zeros[2] = 8, zeros[3] = 1, zeros[6] = 4000 >> 8, zeros[7] = 4000 & 255;
            return zeros;
          }(),
          {0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3}};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  const auto content = std::as_bytes(std::span(data, size));
  const test::Bytes stream = test::gzip({content.begin(), content.end()});
  try {
    const IdxArray array = parse_idx(stream, "input");
    FLATENN_ASSERT(array.values.size() < size);
  } catch (const Error&) {
  }
  return 0;
}
