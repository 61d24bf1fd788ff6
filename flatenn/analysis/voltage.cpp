#include "flatenn/analysis/voltage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/config/names.h"

namespace flatenn {
namespace {

constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr std::size_t kMostRows = 10'000;
constexpr double kLeast = 1e-6, kMost = 1e6;  // of voltages and energies: their ratios are finite
constexpr std::string_view kVoltage = "voltage_v", kRate = "bit_error_rate";
constexpr std::string_view kEnergies[] = {"energy_per_bit", "relative_energy"};

/// A part of a file for an error line: short, and nothing that a terminal would obey.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 40));
  std::ranges::replace_if(
      result, [](char c) { return c < ' ' || c > '~'; }, '?');
  return result + (text.size() > 40 ? "..." : "");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::vector<std::string_view> split_cells(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const std::size_t comma = line.find(',');
    cells.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

/// Where a line stands, for errors.
struct Place {
  std::string_view file;
  std::size_t line = 0;
};

struct Columns {
  std::size_t count = 0;
  std::optional<std::size_t> voltage, rate, energy;
};

Columns parse_columns(const std::vector<std::string_view>& names, const Place& place) {
  Columns columns{names.size(), {}, {}, {}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool energy = std::ranges::find(kEnergies, names[i]) != std::end(kEnergies);
    if (!energy && names[i] != kVoltage && names[i] != kRate) {
      fail("{}:{}: unknown column \"{}\"{}", place.file, place.line, shown(names[i]),
           suggestion(shown(names[i]), {std::string(kVoltage), std::string(kRate),
                                        std::string(kEnergies[0]), std::string(kEnergies[1])}));
    }
    std::optional<std::size_t>& column = energy                 ? columns.energy
                                         : names[i] == kVoltage ? columns.voltage
                                                                : columns.rate;
    if (column) fail("{}:{}: a second column \"{}\"", place.file, place.line, names[i]);
    column = i;
  }
  for (const auto& [column, name] : {std::pair(columns.voltage, kVoltage), {columns.rate, kRate}}) {
    if (!column) fail("{}:{}: the column \"{}\" is missing", place.file, place.line, name);
  }
  return columns;
}

double parse_cell(std::string_view text, std::string_view column, double least, double most,
                  const Place& place) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail("{}:{}: {} \"{}\" is not a number", place.file, place.line, column, shown(text));
  }
  if (!(number >= least && number <= most)) {
    fail("{}:{}: {} {} is not between {} and {}", place.file, place.line, column, shown(text),
         least, most);
  }
  return number;
}

VoltageRow parse_row(std::string_view line, const Columns& columns, const Place& place) {
  const std::vector<std::string_view> cells = split_cells(line);
  if (cells.size() != columns.count) {
    fail("{}:{}: {} cells, but {} columns", place.file, place.line, cells.size(), columns.count);
  }
  VoltageRow row;
  row.voltage = parse_cell(cells[*columns.voltage], kVoltage, kLeast, kMost, place);
  row.bit_error_rate = parse_cell(cells[*columns.rate], kRate, 0, 1, place);
  row.energy = columns.energy ? parse_cell(cells[*columns.energy], "energy", kLeast, kMost, place)
                              : row.voltage * row.voltage;
  return row;
}

/// Against the row before, in the order of the file. `rising`: the order of the first two voltages.
void check_order(const VoltageRow& before, const VoltageRow& row, bool rising, const Place& place) {
  if (row.voltage == before.voltage || (row.voltage > before.voltage) != rising) {
    fail("{}:{}: voltage {} after {}: voltages must fall, or rise, throughout", place.file,
         place.line, row.voltage, before.voltage);
  }
  const VoltageRow &high = rising ? row : before, &low = rising ? before : row;
  if (high.bit_error_rate > low.bit_error_rate) {
    fail("{}:{}: the bit error rate falls from {} to {} as the voltage falls from {} to {}",
         place.file, place.line, high.bit_error_rate, low.bit_error_rate, high.voltage,
         low.voltage);
  }
}

/// Between `a` and `b` at `share` of the way.
double between(double a, double b, double share) { return a + share * (b - a); }

}  // namespace

VoltageTable parse_voltage_table(std::string_view text, std::string_view name) {
  VoltageTable table;
  std::optional<Columns> columns;
  bool rising = false;
  for (Place place{name, 1}; !text.empty(); ++place.line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (!columns) {
      columns = parse_columns(split_cells(line), place);
      continue;
    }
    if (table.rows.size() == kMostRows) {
      fail("{}:{}: more than {} rows", place.file, place.line, kMostRows);
    }
    const VoltageRow row = parse_row(line, *columns, place);
    if (table.rows.size() == 1) rising = row.voltage > table.rows[0].voltage;
    if (!table.rows.empty()) check_order(table.rows.back(), row, rising, place);
    table.rows.push_back(row);
  }
  if (!columns)
    fail("{}:1: no table; its first line names the columns: {},{}", name, kVoltage, kRate);
  if (table.rows.size() < 2) {
    fail("{}:1: {} row(s); a table of voltages needs two at least", name, table.rows.size());
  }
  if (rising) std::ranges::reverse(table.rows);
  table.has_energy = columns->energy.has_value();
  return table;
}

VoltageTable read_voltage_table(const std::filesystem::path& path) {
  return parse_voltage_table(read_text_file(path, kMostBytes), path.string());
}

std::string serialize_voltage_table(const VoltageTable& table) {
  std::string text = fmt::format("{},{}", kVoltage, kRate);
  if (table.has_energy) text += fmt::format(",{}", kEnergies[0]);
  text += '\n';
  for (const VoltageRow& row : table.rows) {
    fmt::format_to(std::back_inserter(text), "{},{}", row.voltage, row.bit_error_rate);
    if (table.has_energy) fmt::format_to(std::back_inserter(text), ",{}", row.energy);
    text += '\n';
  }
  return text;
}

std::optional<OperatingPoint> lowest_voltage(const VoltageTable& table, double rate) {
  const std::vector<VoltageRow>& rows = table.rows;
  FLATENN_ASSERT(rows.size() >= 2);
  const VoltageRow& nominal = rows.front();
  if (!(nominal.bit_error_rate <= rate)) return std::nullopt;
  std::size_t last = 0;  // the lowest row that is tolerated
  while (last + 1 < rows.size() && rows[last + 1].bit_error_rate <= rate) ++last;
  double voltage = rows[last].voltage, energy = rows[last].energy;
  const bool end = last + 1 == rows.size();
  if (!end && rows[last].bit_error_rate > 0) {
    const VoltageRow &above = rows[last], &below = rows[last + 1];
    const double share = std::log(rate / above.bit_error_rate) /
                         std::log(below.bit_error_rate / above.bit_error_rate);
    voltage = between(above.voltage, below.voltage, share);
    energy = table.has_energy ? between(above.energy, below.energy, share) : voltage * voltage;
  }
  return OperatingPoint{voltage, 1 - energy / nominal.energy, end};
}

}  // namespace flatenn
