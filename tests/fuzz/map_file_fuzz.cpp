// Fault map files.
#include "flatenn/base/error.h"
#include "flatenn/memory/fault_map_file.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  return {to_bytes("flatenn-fault-map 1 4000\n0 1\n17 0\n203 1\n3999 0\n"),
          to_bytes("flatenn-fault-map 1 281474976710655\r\n# chip 7\r\n\r\n 9\r\n5\t0\r\n4"),
          to_bytes("flatenn-fault-map 1 10\n5\n5 0\n")};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  try {
    const FaultMapFile map = parse_fault_map({reinterpret_cast<const char*>(data), size}, "input");
    FLATENN_ASSERT(parse_fault_map(serialize_fault_map(map), "written") == map);
    for (std::size_t i = 0; i < map.faults.size(); ++i) {
      FLATENN_ASSERT(map.faults[i].address < map.bits);
      FLATENN_ASSERT(i == 0 || map.faults[i - 1].address < map.faults[i].address);
    }
  } catch (const Error&) {
  }
  return 0;
}
