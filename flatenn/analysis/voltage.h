// Voltage: how far a memory's supply may fall, given the fault rate a network tolerates.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

struct VoltageRow {
  double voltage = 0;         ///< volts, or another unit throughout
  double bit_error_rate = 0;  ///< a fraction; 0: no error was seen
  double energy = 0;          ///< of an access, in any unit; V^2 where the table says nothing
  bool operator==(const VoltageRow&) const = default;
};

/// A memory's bit error rate against its supply voltage.
struct VoltageTable {
  std::vector<VoltageRow> rows;  ///< by falling voltage; the first is the nominal one
  bool has_energy = false;       ///< energies are the table's
  bool operator==(const VoltageTable&) const = default;
};

/// Comma-separated: lines that begin with # are comments; the first other line names the columns,
/// in any order: voltage_v, bit_error_rate and, perhaps, energy_per_bit or relative_energy (what
/// counts is the ratio to the nominal voltage's). At least two rows, voltages falling or rising
/// throughout, rates never falling as the voltage falls. Throws Error with name:line for anything
/// else: unknown columns (with the closest known one), missing ones, numbers that are none, not
/// finite or out of range (voltages and energies within 1e-6 and 1e6, rates within 0 and 1), more
/// than 10,000 rows.
VoltageTable parse_voltage_table(std::string_view text, std::string_view name);

/// Throws Error as well when the file cannot be read or is larger than 1 MiB.
VoltageTable read_voltage_table(const std::filesystem::path& path);

/// Canonical text of a table: parse_voltage_table of it gives the table.
std::string serialize_voltage_table(const VoltageTable& table);

struct OperatingPoint {
  double voltage = 0;
  double energy_saved = 0;    ///< share of the nominal voltage's; negative if the table says so
  bool end_of_table = false;  ///< the lowest voltage there is: a lower one might do
};

/// The lowest voltage whose bit error rate is at most `rate`. Between two rows the logarithm of the
/// rate is taken to be linear in the voltage, and so is the table's energy; below a row without
/// errors, where there is no logarithm, the answer stays at that row until the next one is
/// tolerated. None when the rate is below the nominal voltage's.
std::optional<OperatingPoint> lowest_voltage(const VoltageTable& table, double rate);

}  // namespace flatenn
