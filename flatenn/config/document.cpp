#include "flatenn/config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr std::size_t kLargestText = 1 << 20;
// Every dot may open one more table, and tables are taken down recursively.
constexpr std::ptrdiff_t kMostDots = 2000;
constexpr std::ptrdiff_t kDeepestOverride = 20;

Value convert(const toml::node& node, std::string_view name);

Value convert_table(const toml::table& source, std::string_view name) {
  Table table;
  for (const auto& [key, node] : source) {
    table.keys.emplace_back(key.str());
    table.values.push_back(convert(node, name));
  }
  return {"", std::move(table)};
}

Value convert_array(const toml::array& source, std::string_view name) {
  Array array;
  for (const toml::node& node : source) array.push_back(convert(node, name));
  return {"", std::move(array)};
}

Value convert(const toml::node& node, std::string_view name) {
  Value value;
  if (node.is_table()) {
    value = convert_table(*node.as_table(), name);
  } else if (node.is_array()) {
    value = convert_array(*node.as_array(), name);
  } else if (node.is_string()) {
    value.data = node.as_string()->get();
  } else if (node.is_integer()) {
    value.data = node.as_integer()->get();
  } else if (node.is_floating_point()) {
    value.data = node.as_floating_point()->get();
  } else if (node.is_boolean()) {
    value.data = node.as_boolean()->get();
  } else {
    value.data = DateOrTime{};
  }
  value.where = fmt::format("{}:{}", name, node.source().begin.line);
  return value;
}

void set_place(Value& value, const std::string& where) {
  value.where = where;
  if (Array* array = value.as<Array>()) {
    for (Value& element : *array) set_place(element, where);
  }
  if (Table* table = value.as<Table>()) {
    for (Value& element : table->values) set_place(element, where);
  }
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The text as one TOML value; as a string when it is none.
Value parse_override_value(std::string_view text, const std::string& where) {
  try {
    Value root = parse_document(fmt::format("v = {}", text), where);
    Table& table = *root.as<Table>();
    // "1\nw = 2" would parse to two keys.
    if (table.keys.size() == 1 && table.keys[0] == "v") return std::move(table.values[0]);
  } catch (const Error&) {
    // A bare word.
  }
  Value root = parse_document(fmt::format("v = {}", quote(text)), where);
  return std::move(root.as<Table>()->values[0]);
}

Value& step_into(Value& parent, std::string_view key, const std::string& where) {
  if (Table* table = parent.as<Table>()) {
    Value& value = table->at(key);
    if (value.where.empty()) value.where = where;
    return value;
  }
  if (Array* array = parent.as<Array>()) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc() || end != key.data() + key.size() || index >= array->size()) {
      fail("{}: '{}' is not an index below {} in a list", where, key, array->size());
    }
    return (*array)[index];
  }
  fail("{}: '{}' lies below {}, not below a table", where, key, type_name(parent));
}

std::string format_double(double x) {
  std::string text = fmt::format("{}", x);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string format_plain(const Value& value) {
  if (const auto* array = value.as<Array>()) {
    std::string text = "[";
    for (std::size_t i = 0; i < array->size(); ++i) {
      text += (i > 0 ? ", " : "") + format_plain((*array)[i]);
    }
    return text + "]";
  }
  if (const auto* text = value.as<std::string>()) return quote(*text);
  if (const auto* number = value.as<std::int64_t>()) return fmt::format("{}", *number);
  if (const auto* number = value.as<double>()) return format_double(*number);
  const bool* truth = value.as<bool>();
  FLATENN_ASSERT(truth != nullptr);
  return *truth ? "true" : "false";
}

bool is_table_array(const Value& value) {
  const auto* array = value.as<Array>();
  return array != nullptr && !array->empty() && array->front().as<Table>() != nullptr;
}

void write_table(const Table& table, const std::string& path, std::string& out) {
  const auto sub_path = [&](const std::string& key) {
    return path.empty() ? key : path + "." + key;
  };
  for (std::size_t i = 0; i < table.keys.size(); ++i) {
    const Value& value = table.values[i];
    if (value.as<Table>() == nullptr && !is_table_array(value)) {
      out += fmt::format("{} = {}\n", table.keys[i], format_plain(value));
    }
  }
  for (std::size_t i = 0; i < table.keys.size(); ++i) {
    const std::string sub = sub_path(table.keys[i]);
    if (const auto* child = table.values[i].as<Table>()) {
      out += fmt::format("\n[{}]\n", sub);
      write_table(*child, sub, out);
    } else if (is_table_array(table.values[i])) {
      for (const Value& element : *table.values[i].as<Array>()) {
        out += fmt::format("\n[[{}]]\n", sub);
        write_table(*element.as<Table>(), sub, out);
      }
    }
  }
}

nlohmann::ordered_json json_of(const Value& value) {
  if (const auto* table = value.as<Table>()) {
    auto object = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < table->keys.size(); ++i) {
      object[table->keys[i]] = json_of(table->values[i]);
    }
    return object;
  }
  if (const auto* array = value.as<Array>()) {
    auto list = nlohmann::ordered_json::array();
    for (const Value& element : *array) list.push_back(json_of(element));
    return list;
  }
  if (const auto* text = value.as<std::string>()) return *text;
  if (const auto* number = value.as<std::int64_t>()) return *number;
  if (const auto* number = value.as<double>()) return *number;
  const bool* truth = value.as<bool>();
  FLATENN_ASSERT(truth != nullptr);
  return *truth;
}

}  // namespace

const Value* Table::find(std::string_view key) const {
  const auto it = std::find(keys.begin(), keys.end(), key);
  return it == keys.end() ? nullptr : &values[static_cast<std::size_t>(it - keys.begin())];
}

Value* Table::find(std::string_view key) {
  return const_cast<Value*>(static_cast<const Table*>(this)->find(key));
}

Value& Table::at(std::string_view key) {
  if (Value* value = find(key)) return *value;
  keys.emplace_back(key);
  return values.emplace_back();
}

std::string_view type_name(const Value& value) {
  constexpr std::string_view names[] = {"a table",  "a list",    "a string",      "an integer",
                                        "a number", "a boolean", "a date or time"};
  return names[value.data.index()];
}

Value parse_document(std::string_view text, std::string_view name) {
  if (text.size() > kLargestText || std::count(text.begin(), text.end(), '.') > kMostDots) {
    fail("{}: too large for a settings file", name);
  }
  try {
    return convert(toml::parse(text, name), name);
  } catch (const toml::parse_error& error) {
    fail("{}:{}: {}", name, error.source().begin.line, error.description());
  }
}

void apply_override(Value& root, std::string_view text, std::string_view origin) {
  const std::string where = fmt::format("{} {}", origin, text);
  const std::size_t equals = text.find('=');
  std::string_view path = text.substr(0, equals);
  if (equals == std::string_view::npos || path.empty()) {
    fail("{}: not of the form key=value or section.key=value", where);
  }
  if (std::count(path.begin(), path.end(), '.') > kDeepestOverride) {
    fail("{}: too many parts in the key", where);
  }
  Value value = parse_override_value(text.substr(equals + 1), where);
  set_place(value, where);
  Value* target = &root;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    if (key.empty()) fail("{}: empty part in the key", where);
    target = &step_into(*target, key, where);
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *target = std::move(value);
}

std::string to_toml(const Value& root) {
  std::string out;
  write_table(*root.as<Table>(), "", out);
  return out;
}

std::string to_json(const Value& root) {
  // File names need not be UTF-8.
  return json_of(root).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace flatenn
