#include "flatenn/config/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Fills structs from a document. Remembers which keys were asked for: the others are unknown.
class Reader : public Binder {
 public:
  explicit Reader(const Table& root) : table_(&root) {}

  void read_all(const std::function<void(Binder&)>& bind_all) {
    bind_all(*this);
    check_unknown_keys();
  }

  void value(std::string_view key, bool& target, std::string_view) override {
    if (const Value* v = find(key)) {
      if (v->as<bool>() == nullptr) fail_type(*v, key, "true or false");
      target = *v->as<bool>();
    }
  }
  void value(std::string_view key, int& target, std::string_view, Limits limits) override {
    if (const Value* v = find(key)) target = read_int(*v, key, limits);
  }
  void value(std::string_view key, std::uint64_t& target, std::string_view,
             Limits limits) override {
    if (const Value* v = find(key)) target = read_unsigned(*v, key, limits);
  }
  void value(std::string_view key, double& target, std::string_view, Limits limits) override {
    if (const Value* v = find(key)) target = read_double(*v, key, limits);
  }
  void value(std::string_view key, std::string& target, std::string_view) override {
    if (const Value* v = find(key)) target = read_string(*v, key);
  }
  void value(std::string_view key, std::vector<int>& target, std::string_view,
             Limits limits) override {
    const Value* v = find(key);
    if (v == nullptr) return;
    target.clear();
    for (const Value& element : number_list(*v, key, true)) {
      target.push_back(read_int(element, key, limits));
    }
  }
  void value(std::string_view key, std::vector<double>& target, std::string_view,
             Limits limits) override {
    const Value* v = find(key);
    if (v == nullptr) return;
    target.clear();
    for (const Value& element : number_list(*v, key, false)) {
      target.push_back(read_double(element, key, limits));
    }
  }
  void value(std::string_view key, std::vector<std::string>& target, std::string_view) override {
    if (const Value* v = find(key)) target = read_strings(*v, key);
  }

  void choice(std::string_view key, int& index, const std::vector<std::string>& names,
              std::string_view) override {
    const Value* v = find(key);
    if (v == nullptr) return;
    const std::string name = read_string(*v, key);
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) {
      fail("{}: '{}' cannot be '{}'{}", v->where, full(key), name, suggestion(name, names));
    }
    index = static_cast<int>(it - names.begin());
  }

  void section(std::string_view key, const std::function<void()>& body) override {
    static const Value empty;
    const Value* v = find(key);
    if (v == nullptr) v = &empty;
    if (v->as<Table>() == nullptr) fail_type(*v, key, fmt::format("a table [{}]", full(key)));
    inside(*v, full(key), body);
  }

  void list(std::string_view key, const std::function<std::size_t(std::size_t)>& resize,
            const std::function<void(std::size_t)>& element) override {
    const Value* v = find(key);
    if (v == nullptr) return;
    const std::string expected = fmt::format("an array of tables [[{}]]", full(key));
    const Array* array = v->as<Array>();
    if (array == nullptr) fail_type(*v, key, expected);
    resize(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
      const Value& item = (*array)[i];
      if (item.as<Table>() == nullptr) fail_type(item, key, expected);
      inside(item, full(key), [&] { element(i); });
    }
  }

 private:
  const Value* find(std::string_view key) {
    FLATENN_ASSERT(std::find(known_.begin(), known_.end(), key) == known_.end());
    known_.emplace_back(key);
    return table_->find(key);
  }

  void inside(const Value& value, std::string path, const std::function<void()>& body) {
    const Table* table = std::exchange(table_, value.as<Table>());
    auto known = std::exchange(known_, {});
    path.swap(path_);
    body();
    check_unknown_keys();
    path_.swap(path);
    known_ = std::move(known);
    table_ = table;
  }

  void check_unknown_keys() const {
    for (std::size_t i = 0; i < table_->keys.size(); ++i) {
      const std::string& key = table_->keys[i];
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      fail("{}: unknown key '{}'{}{}", table_->values[i].where, key,
           path_.empty() ? "" : fmt::format(" in [{}]", path_), suggestion(key, known_));
    }
  }

  std::string full(std::string_view key) const { return join_key(path_, key); }

  [[noreturn]] void fail_type(const Value& v, std::string_view key,
                              std::string_view expected) const {
    fail("{}: '{}' must be {}, not {}", v.where, full(key), expected, type_name(v));
  }

  void check_limits(const Value& v, std::string_view key, double x, const Limits& limits) const {
    if (!std::isfinite(x)) fail("{}: '{}' must be finite", v.where, full(key));
    if (x < limits.low || x > limits.high) {
      fail("{}: '{}' is {}; it must be {}", v.where, full(key), x, to_string(limits));
    }
  }

  int read_int(const Value& v, std::string_view key, const Limits& limits) const {
    const std::int64_t* number = v.as<std::int64_t>();
    if (number == nullptr) fail_type(v, key, "an integer");
    check_limits(v, key, static_cast<double>(*number), limits);
    if (*number < std::numeric_limits<int>::min() || *number > std::numeric_limits<int>::max()) {
      fail("{}: '{}' is out of range", v.where, full(key));
    }
    return static_cast<int>(*number);
  }

  std::uint64_t read_unsigned(const Value& v, std::string_view key, const Limits& limits) const {
    std::uint64_t result = 0;
    if (const std::int64_t* number = v.as<std::int64_t>()) {
      if (*number < 0) fail("{}: '{}' must not be negative", v.where, full(key));
      result = static_cast<std::uint64_t>(*number);
    } else if (const auto* text = v.as<std::string>()) {
      // TOML's integers end at 2^63 - 1; larger ones are written as strings.
      const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), result);
      if (error != std::errc() || end != text->data() + text->size()) {
        fail_type(v, key, "an integer");
      }
    } else {
      fail_type(v, key, "an integer");
    }
    check_limits(v, key, static_cast<double>(result), limits);
    return result;
  }

  double read_double(const Value& v, std::string_view key, const Limits& limits) const {
    double number = 0;
    if (const double* real = v.as<double>()) {
      number = *real;
    } else if (const std::int64_t* integer = v.as<std::int64_t>()) {
      number = static_cast<double>(*integer);
    } else {
      fail_type(v, key, "a number");
    }
    check_limits(v, key, number, limits);
    return number;
  }

  std::string read_string(const Value& v, std::string_view key) const {
    if (v.as<std::string>() == nullptr) fail_type(v, key, "a string");
    return *v.as<std::string>();
  }

  Array number_list(const Value& v, std::string_view key, bool whole) const {
    if (const Array* array = v.as<Array>()) return *array;
    const auto* text = v.as<std::string>();
    if (text == nullptr) return {v};
    Array list;
    for (const double x : expand_grid(*text, fmt::format("{}: '{}'", v.where, full(key)))) {
      if (!whole) {
        list.push_back({v.where, x});
      } else if (x == std::trunc(x) && std::abs(x) < 0x1p53) {
        list.push_back({v.where, static_cast<std::int64_t>(x)});
      } else {
        fail("{}: '{}' must hold integers, not {}", v.where, full(key), x);
      }
    }
    return list;
  }

  std::vector<std::string> read_strings(const Value& v, std::string_view key) const {
    std::vector<std::string> list;
    if (const Array* array = v.as<Array>()) {
      for (const Value& element : *array) list.push_back(read_string(element, key));
      return list;
    }
    if (v.as<std::string>() == nullptr) fail_type(v, key, "a list of strings");
    std::string_view text = *v.as<std::string>();
    while (!text.empty()) {
      const std::size_t comma = text.find(',');
      list.emplace_back(text.substr(0, comma));
      text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
    }
    return list;
  }

  const Table* table_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace

void read_document(const Value& root, const std::function<void(Binder&)>& bind_all) {
  FLATENN_ASSERT(root.as<Table>() != nullptr);
  Reader(*root.as<Table>()).read_all(bind_all);
}

}  // namespace flatenn
