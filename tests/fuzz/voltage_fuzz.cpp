// Tables of voltage against bit error rate.
#include <cmath>

#include "flatenn/analysis/voltage.h"
#include "flatenn/base/error.h"
#include "tests/fuzz/fuzz.h"

namespace flatenn::fuzz {

std::vector<Bytes> seed_corpus() {
  return {to_bytes("# chip\nvoltage_v,bit_error_rate\n1.0,0\n0.8,1e-6\n0.6,1e-2\n"),
          to_bytes("bit_error_rate , voltage_v,energy_per_bit\r\n1,0.5,3\r\n1e-300,0.7,1e6"),
          to_bytes("voltage_v,bit_error_rate,relative_energy\n1,0,1\n.9,nan,-1\n\n1e-6,1,inf\n")};
}

}  // namespace flatenn::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flatenn;
  try {
    const VoltageTable table =
        parse_voltage_table({reinterpret_cast<const char*>(data), size}, "input");
    FLATENN_ASSERT(parse_voltage_table(serialize_voltage_table(table), "written") == table);
    double last = table.rows.front().voltage;
    for (const double rate : {0.0, 1e-300, 1e-6, 1e-3, 0.5, 1.0}) {
      const auto point = lowest_voltage(table, rate);
      if (!point) continue;
      FLATENN_ASSERT(std::isfinite(point->energy_saved));
      FLATENN_ASSERT(point->voltage >= table.rows.back().voltage && point->voltage <= last);
      last = point->voltage;
    }
  } catch (const Error&) {
  }
  return 0;
}
