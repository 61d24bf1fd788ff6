#include "flatenn/graph/strict_json.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using nlohmann::json;

constexpr int max_depth = 64;

}  // namespace

json parse_strict_json(std::string_view text, std::string_view where) {
  std::vector<std::set<std::string>> open_objects;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > max_depth) fail("{}: more than {} levels of nested JSON", where, max_depth);
    if (event == json::parse_event_t::object_start) {
      open_objects.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      open_objects.pop_back();
    } else if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_objects.back().insert(key).second) {
        fail("{}: the key '{:.60}' stands twice in one JSON object", where, key);
      }
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::parse_error& e) {
    fail("{}: not valid JSON near byte {}", where, e.byte);
  } catch (const json::exception&) {
    fail("{}: JSON with a number beyond the range of double", where);
  }
}

JsonReader::JsonReader(const json& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value.is_object()) fail("{}: must be a JSON object, is {}", where_, value.type_name());
}

const json& JsonReader::value(const std::string& key) {
  known_.insert(key);
  const auto it = value_.find(key);
  if (it == value_.end()) fail("{}: the key '{}' is missing", where_, key);
  return *it;
}

const json& JsonReader::array(const std::string& key) {
  const json& v = value(key);
  if (!v.is_array()) fail("{}: '{}' must be an array, is {}", where_, key, v.type_name());
  return v;
}

int JsonReader::integer(const std::string& key, int low, int high) {
  const json& v = value(key);
  const bool fits = v.is_number_integer() &&
                    (!v.is_number_unsigned() || v.get<std::uint64_t>() <= std::uint64_t{1} << 62);
  const std::int64_t number = fits ? v.get<std::int64_t>() : 0;
  if (!fits || number < low || number > high) {
    fail("{}: '{}' must be a whole number from {} to {}", where_, key, low, high);
  }
  return static_cast<int>(number);
}

int JsonReader::integer(const std::string& key, int low, int high, int fallback) {
  known_.insert(key);
  return has(key) ? integer(key, low, high) : fallback;
}

std::uint64_t JsonReader::unsigned_integer(const std::string& key, std::uint64_t fallback) {
  known_.insert(key);
  if (!has(key)) return fallback;
  const json& v = value(key);
  if (!v.is_number_unsigned()) fail("{}: '{}' must be a whole number >= 0", where_, key);
  return v.get<std::uint64_t>();
}

bool JsonReader::boolean(const std::string& key, bool fallback) {
  known_.insert(key);
  if (!has(key)) return fallback;
  const json& v = value(key);
  if (!v.is_boolean()) fail("{}: '{}' must be true or false", where_, key);
  return v.get<bool>();
}

double JsonReader::number(const std::string& key, double fallback) {
  known_.insert(key);
  if (!has(key)) return fallback;
  const json& v = value(key);
  if (!v.is_number()) fail("{}: '{}' must be a number, is {}", where_, key, v.type_name());
  return v.get<double>();
}

float JsonReader::real(const std::string& key) {
  const json& v = value(key);
  if (!v.is_number()) fail("{}: '{}' must be a number, is {}", where_, key, v.type_name());
  const double number = v.get<double>();
  if (!(std::abs(number) <= std::numeric_limits<float>::max())) {
    fail("{}: '{}' is {}, beyond the range of 32-bit floats", where_, key, number);
  }
  return static_cast<float>(number);
}

float JsonReader::real(const std::string& key, float fallback) {
  known_.insert(key);
  return has(key) ? real(key) : fallback;
}

std::string JsonReader::text(const std::string& key) {
  const json& v = value(key);
  if (!v.is_string()) fail("{}: '{}' must be a string, is {}", where_, key, v.type_name());
  return v.get<std::string>();
}

std::string JsonReader::text(const std::string& key, std::string fallback) {
  known_.insert(key);
  return has(key) ? text(key) : fallback;
}

void JsonReader::refuse_unknown_keys() const {
  for (const auto& [key, unused] : value_.items()) {
    if (!known_.contains(key)) {
      fail("{}: unknown key '{:.60}'; known: {}", where_, key, fmt::join(known_, ", "));
    }
  }
}

std::vector<std::string> string_list(const json& array, std::string_view where) {
  std::vector<std::string> list;
  for (const json& element : array) {
    if (!element.is_string()) {
      fail("{}: must hold strings, has {}", where, element.type_name());
    }
    list.push_back(element.get<std::string>());
  }
  return list;
}

}  // namespace flatenn
