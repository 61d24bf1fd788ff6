// JsonFields: the fields of one object of an analysis file, each known, each of its type.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/analysis/results.h"
#include "flatenn/graph/strict_json.h"

namespace flatenn {

/// Throws Error naming `where`, and that a file of 'flatenn analyze' was expected.
[[noreturn]] void refuse_analysis(const std::string& where, std::string_view what);

/// Every Error names the place. Null is NaN, at the ends of an interval infinity. The value must
/// outlive the reader.
class JsonFields {
 public:
  /// Throws Error unless `value` is an object.
  JsonFields(const nlohmann::json& value, std::string where) : reader_(value, std::move(where)) {}

  std::string text(const std::string& key) { return reader_.text(key); }
  double number(const std::string& key, double if_null = std::numeric_limits<double>::quiet_NaN());
  std::uint64_t count(const std::string& key);
  int integer(const std::string& key, int low, int high) { return reader_.integer(key, low, high); }
  std::vector<double> numbers(const std::string& key);
  FaultKind kind(const std::string& key) { return parse_fault_kind(text(key)); }
  const nlohmann::json& value(const std::string& key) { return reader_.value(key); }
  JsonFields object(const std::string& key) { return {reader_.value(key), place(key)}; }
  Interval interval(const std::string& key);
  std::vector<LossPoint> points(const std::string& key);
  /// The points of {"loss": [...], "accuracy": [...]}.
  static std::vector<LossPoint> read_points(const nlohmann::json& value, const std::string& where);

  /// `element` makes a T from a value and its place.
  template <class T, class Element>
  std::vector<T> list(const std::string& key, Element element) {
    std::vector<T> items;
    for (const nlohmann::json& value : reader_.array(key)) {
      items.push_back(element(value, fmt::format("{}[{}]", place(key), items.size())));
    }
    return items;
  }

  /// Throws Error when the object holds a key that was never asked for.
  void done() const { reader_.refuse_unknown_keys(); }
  std::string place(const std::string& key) const { return reader_.where() + ": " + key; }

 private:
  JsonReader reader_;
};

}  // namespace flatenn
