#include "flatenn/memory/fault_map_file.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/hash.h"

namespace flatenn {
namespace {

constexpr std::string_view kMagic = "flatenn-fault-map";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMostBits = (std::uint64_t{1} << 48) - 1;
constexpr std::string_view kBlanks = " \t";

/// A part of a file for an error line: short, and nothing that a terminal would obey.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 40));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result + (text.size() > 40 ? "..." : "");
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The next word of `line`, which loses it; empty at the end of the line.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

/// The next line of `text`, which loses it, without its end (LF or CRLF).
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The size of the memory.
std::uint64_t parse_first_line(std::string_view line, std::string_view name) {
  const std::string_view whole = line;
  const std::string_view magic = take_word(line);
  const auto version = parse_number(take_word(line));
  const std::string_view size = take_word(line);
  if (magic != kMagic || !version || !take_word(line).empty()) {
    fail("{}:1: a fault map begins with \"{} {} BITS\", not \"{}\"", name, kMagic, kVersion,
         shown(whole));
  }
  if (*version != kVersion) {
    fail("{}:1: fault map of version {}; known: {}", name, *version, kVersion);
  }
  const auto bits = parse_number(size);
  if (!bits || *bits < 1 || *bits > kMostBits) {
    fail("{}:1: the memory should have 1 to {} cells, not \"{}\"", name, kMostBits, shown(size));
  }
  return *bits;
}

struct CellLine {
  Fault fault;
  std::uint64_t line = 0;
};

Fault parse_cell(std::string_view text, std::uint64_t bits, std::string_view name,
                 std::uint64_t line) {
  const std::string_view whole = text;
  const auto address = parse_number(take_word(text));
  const std::string_view value = take_word(text);
  const bool known_value = value.empty() || value == "0" || value == "1";
  if (!address || !known_value || !take_word(text).empty()) {
    fail("{}:{}: a line is ADDRESS or ADDRESS VALUE with VALUE 0 or 1, not \"{}\"", name, line,
         shown(whole));
  }
  if (*address >= bits) {
    fail("{}:{}: cell {} is beyond the memory's {} cells", name, line, *address, bits);
  }
  return {*address, value != "0"};
}

/// Sorts by address; of equal ones the earlier line comes first. Throws Error at the first line
/// that names a cell again.
void sort_cells(std::vector<CellLine>& cells, std::string_view name) {
  std::stable_sort(cells.begin(), cells.end(), [](const CellLine& a, const CellLine& b) {
    return a.fault.address < b.fault.address;
  });
  const CellLine *first = nullptr, *again = nullptr;
  for (std::size_t i = 1; i < cells.size(); ++i) {
    if (cells[i].fault.address != cells[i - 1].fault.address) continue;
    if (again != nullptr && again->line < cells[i].line) continue;
    first = &cells[i - 1];
    again = &cells[i];
  }
  if (again == nullptr) return;
  fail("{}:{}: cell {} stands in line {} already", name, again->line, again->fault.address,
       first->line);
}

}  // namespace

std::string serialize_fault_map(const FaultMapFile& map) {
  std::string text = fmt::format("{} {} {}\n", kMagic, kVersion, map.bits);
  for (const Fault& fault : map.faults) {
    fmt::format_to(std::back_inserter(text), "{} {}\n", fault.address, fault.coin ? 1 : 0);
  }
  return text;
}

std::string FaultMapFile::hash() const { return hash_hex(serialize_fault_map(*this)); }

FaultMapFile parse_fault_map(std::string_view text, std::string_view name) {
  FaultMapFile map;
  map.bits = parse_first_line(take_line(text), name);
  std::vector<CellLine> cells;
  for (std::uint64_t number = 2; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (word.empty() || word.front() == '#') continue;
    cells.push_back({parse_cell(line, map.bits, name, number), number});
  }
  sort_cells(cells, name);
  map.faults.reserve(cells.size());
  for (const CellLine& cell : cells) map.faults.push_back(cell.fault);
  return map;
}

FaultMapFile read_fault_map_file(const std::filesystem::path& path) {
  return parse_fault_map(read_text_file(path, std::uint64_t{1} << 30), path.string());
}

void write_fault_map_file(const std::filesystem::path& path, const FaultMapFile& map) {
  FLATENN_ASSERT(map.bits >= 1 && map.bits <= kMostBits);
  for (std::size_t i = 0; i < map.faults.size(); ++i) {
    FLATENN_ASSERT(map.faults[i].address < map.bits);
    FLATENN_ASSERT(i == 0 || map.faults[i - 1].address < map.faults[i].address);
  }
  write_file(path, serialize_fault_map(map));
}

}  // namespace flatenn
