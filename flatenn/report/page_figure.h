// Page figures: what a page shows, as data. The page's own scripts draw a figure from its table,
// and the table is what its reader may download: nothing is drawn that is not in it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace flatenn {

/// One column of a PageTable.
struct PageColumn {
  std::string name;   ///< in files
  std::string label;  ///< on the page, with the unit
  int digits = -1;    ///< after the point, on the page; negative: text, or numbers as they are
};

/// Rows for a page: numbers at full precision, as few bytes as can be had simply.
class PageTable {
 public:
  /// Rows beyond this many are counted, not kept: a page stays small whatever the store.
  static constexpr std::size_t kMostRows = 5000;

  PageTable() = default;
  explicit PageTable(std::vector<PageColumn> columns);

  /// One value a column: text, a number, or null for "not known". Numbers that are not finite
  /// become null.
  void add(std::vector<nlohmann::ordered_json> row);

  bool empty() const { return rows_ == 0; }
  std::size_t rows() const { return rows_; }
  std::size_t left_out() const { return left_out_; }

  /// {"columns": [{"name", "label", "digits", "values": [...]}]}; a column of text has "dict", its
  /// different values, and in "values" their indices.
  nlohmann::ordered_json json() const;

 private:
  std::vector<PageColumn> columns_;
  std::vector<std::vector<nlohmann::ordered_json>> values_;  // [column][row]
  std::size_t rows_ = 0, left_out_ = 0;
};

struct PageFigure {
  std::string id;    ///< unique on the page; also the name of downloaded files
  std::string type;  ///< which script draws it: "lines", "heatmap", "scatter", "bars", "surface";
                     ///< "table": none
  std::string title;
  std::string caption;
  std::string summary;             ///< in words, for those who do not see the picture
  nlohmann::ordered_json options;  ///< of the script: which column is what
  PageTable table;
};

struct PageSection {
  std::string id;
  std::string title;
  std::vector<std::string> notes;  ///< paragraphs before the figures
  std::vector<PageFigure> figures;
  std::vector<std::string> missing;  ///< what could stand here, and which command supplies it
};

/// `x`, or null where it is not finite.
nlohmann::ordered_json finite_or_null(double x);

}  // namespace flatenn
