#include "flatenn/report/page_figure.h"

#include <cmath>
#include <unordered_map>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

void add_texts(const std::vector<Json>& values, Json& column) {
  std::unordered_map<std::string, std::size_t> index;
  Json dict = Json::array(), indices = Json::array();
  for (const Json& value : values) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [found, added] = index.try_emplace(text, index.size());
    if (added) dict.push_back(text);
    indices.push_back(found->second);
  }
  column["dict"] = std::move(dict);
  column["values"] = std::move(indices);
}

}  // namespace

PageTable::PageTable(std::vector<PageColumn> columns)
    : columns_(std::move(columns)), values_(columns_.size()) {}

void PageTable::add(std::vector<Json> row) {
  FLATENN_ASSERT(row.size() == columns_.size());
  if (rows_ == kMostRows) {
    ++left_out_;
    return;
  }
  ++rows_;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i].is_number_float()) row[i] = finite_or_null(row[i].get<double>());
    values_[i].push_back(std::move(row[i]));
  }
}

Json PageTable::json() const {
  Json columns = Json::array();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Json column = {{"name", columns_[i].name}, {"label", columns_[i].label}};
    if (columns_[i].digits >= 0) column["digits"] = columns_[i].digits;
    bool text = !values_[i].empty();
    for (const Json& value : values_[i]) text = text && value.is_string();
    if (text) {
      add_texts(values_[i], column);
    } else {
      column["values"] = values_[i];
    }
    columns.push_back(std::move(column));
  }
  return {{"columns", std::move(columns)}};
}

Json finite_or_null(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }

}  // namespace flatenn
