// JSON from outside: bounded depth, no duplicate keys, typed access with errors that name the
// place.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

namespace flatenn {

/// Parses JSON text. Throws Error naming `where` for invalid text, a key given twice in one object,
/// or more than 64 levels of nesting.
nlohmann::json parse_strict_json(std::string_view text, std::string_view where);

/// Reads the keys of one JSON object. Every Error names `where` and the key; a missing key is one
/// unless a fallback is given. The value must outlive the reader.
class JsonReader {
 public:
  /// Throws Error unless `value` is an object.
  JsonReader(const nlohmann::json& value, std::string where);

  bool has(const std::string& key) const { return value_.contains(key); }

  int integer(const std::string& key, int low, int high);
  int integer(const std::string& key, int low, int high, int fallback);
  std::uint64_t unsigned_integer(const std::string& key, std::uint64_t fallback);
  bool boolean(const std::string& key, bool fallback);
  double number(const std::string& key, double fallback);
  /// The nearest float; Error when it is beyond the range of float.
  float real(const std::string& key);
  float real(const std::string& key, float fallback);
  std::string text(const std::string& key);
  std::string text(const std::string& key, std::string fallback);
  /// Any value; Error when missing.
  const nlohmann::json& value(const std::string& key);
  /// An array; Error when missing or of another type.
  const nlohmann::json& array(const std::string& key);

  /// Throws Error when the object holds a key that was never asked for.
  void refuse_unknown_keys() const;

  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& value_;
  std::string where_;
  std::set<std::string> known_;
};

/// The elements of a JSON array of strings. Throws Error naming `where` for other elements.
std::vector<std::string> string_list(const nlohmann::json& array, std::string_view where);

}  // namespace flatenn
