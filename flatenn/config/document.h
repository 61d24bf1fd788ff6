// Document: the tree of a settings file, every value with the place it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flatenn {

struct Value;
using Array = std::vector<Value>;

/// values[i] belongs to keys[i]. Parsing sorts the keys of a table by name.
struct Table {
  std::vector<std::string> keys;
  std::vector<Value> values;

  Value* find(std::string_view key);
  const Value* find(std::string_view key) const;
  /// The value of `key`, appended when there is none.
  Value& at(std::string_view key);
};

/// TOML has dates and times; no setting does.
struct DateOrTime {};

struct Value {
  std::string where;  ///< for messages: "a.toml:12" or "--set a.b=c"
  std::variant<Table, Array, std::string, std::int64_t, double, bool, DateOrTime> data;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&data);
  }
};

/// "a string", "an integer", ...: for messages.
std::string_view type_name(const Value& value);

/// Parses TOML. Throws Error with `name` and the line. Text that is larger or deeper than any
/// settings file is refused before it can exhaust the stack.
Value parse_document(std::string_view text, std::string_view name);

/// Sets one key by "a.b=c". The value is TOML; what is no TOML value is a string. A number selects
/// an element of an array of tables: "arm.2.radius=0.02". `origin` is "--set" or "FLATENN_SET".
void apply_override(Value& root, std::string_view text, std::string_view origin);

/// TOML text that parses to the same tree (keys of one table: plain values first). Doubles are
/// written shortest, without loss. Precondition: `root` is a table, keys are bare, strings UTF-8.
std::string to_toml(const Value& root);
std::string to_json(const Value& root);

}  // namespace flatenn
