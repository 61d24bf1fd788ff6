// Table: rows of text, aligned for a person or separated for a program.
#pragma once

#include <string>
#include <vector>

namespace flatenn {

/// Every row has as many cells as there are columns. Columns whose cells are all numbers (or "-")
/// are set flush right.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// Aligned by spaces, a line of dashes under the head, no blanks at line ends.
std::string aligned_text(const Table& table);

/// Comma-separated values as RFC 4180 has them, with the head, lines ended by \n.
std::string csv_text(const Table& table);

}  // namespace flatenn
