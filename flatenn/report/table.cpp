#include "flatenn/report/table.h"

#include <algorithm>
#include <string_view>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Columns on the screen of UTF-8 text of one-column letters.
std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_number(std::string_view text) {
  return text == "-" || (!text.empty() && text.find_first_of("0123456789") != text.npos &&
                         text.find_first_not_of("0123456789.,+-eE±[] ") == text.npos);
}

std::string aligned_row(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths, const std::vector<bool>& right) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string blanks(widths[i] - display_width(cells[i]), ' ');
    if (i > 0) line += "  ";
    line += right[i] ? blanks + cells[i] : cells[i] + blanks;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string csv_row(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      line += cells[i];
      continue;
    }
    line += '"';
    for (const char c : cells[i]) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace

std::string aligned_text(const Table& table) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  std::vector<std::string> rule;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t width = display_width(table.columns[i]);
    bool numbers = !table.rows.empty();
    for (const auto& row : table.rows) {
      FLATENN_ASSERT(row.size() == table.columns.size());
      width = std::max(width, display_width(row[i]));
      numbers = numbers && is_number(row[i]);
    }
    widths.push_back(width);
    right.push_back(numbers);
    rule.emplace_back(width, '-');
  }
  std::string text = aligned_row(table.columns, widths, right) + aligned_row(rule, widths, right);
  for (const auto& row : table.rows) text += aligned_row(row, widths, right);
  return text;
}

std::string csv_text(const Table& table) {
  std::string text = csv_row(table.columns);
  for (const auto& row : table.rows) text += csv_row(row);
  return text;
}

}  // namespace flatenn
