#include "flatenn/config/bind.h"

#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/config/document.h"
#include "flatenn/config/reader.h"

namespace flatenn {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;

/// Puts structs into a document.
class Writer : public Binder {
 public:
  void value(std::string_view key, bool& target, std::string_view) override { put(key, target); }
  void value(std::string_view key, int& target, std::string_view, Limits) override {
    put(key, std::int64_t{target});
  }
  void value(std::string_view key, std::uint64_t& target, std::string_view, Limits) override {
    if (target > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      put(key, fmt::format("{}", target));
    } else {
      put(key, static_cast<std::int64_t>(target));
    }
  }
  void value(std::string_view key, double& target, std::string_view, Limits) override {
    put(key, target);
  }
  void value(std::string_view key, std::string& target, std::string_view) override {
    put(key, target);
  }
  void value(std::string_view key, std::vector<int>& target, std::string_view, Limits) override {
    Array list;
    for (const int x : target) list.push_back({"", std::int64_t{x}});
    put(key, std::move(list));
  }
  void value(std::string_view key, std::vector<double>& target, std::string_view, Limits) override {
    Array list;
    for (const double x : target) list.push_back({"", x});
    put(key, std::move(list));
  }
  void value(std::string_view key, std::vector<std::string>& target, std::string_view) override {
    Array list;
    for (const std::string& x : target) list.push_back({"", x});
    put(key, std::move(list));
  }
  void choice(std::string_view key, int& index, const std::vector<std::string>& names,
              std::string_view) override {
    put(key, names.at(static_cast<std::size_t>(index)));
  }
  void section(std::string_view key, const std::function<void()>& body) override {
    put(key, inside(body));
  }
  void list(std::string_view key, const std::function<std::size_t(std::size_t)>& resize,
            const std::function<void(std::size_t)>& element) override {
    Array list;
    const std::size_t count = resize(kKeep);
    for (std::size_t i = 0; i < count; ++i) list.push_back({"", inside([&] { element(i); })});
    put(key, std::move(list));
  }

  Value take() { return {"", std::move(table_)}; }

 private:
  template <class T>
  void put(std::string_view key, T data) {
    table_.at(key).data = std::move(data);
  }
  Table inside(const std::function<void()>& body) {
    Table outer = std::exchange(table_, {});
    body();
    return std::exchange(table_, std::move(outer));
  }

  Table table_;
};

/// One line a key, with the struct's present values as defaults.
class Helper : public Binder {
 public:
  void value(std::string_view key, bool& target, std::string_view help) override {
    add(key, "true or false", {}, fmt::format("{}", target), help);
  }
  void value(std::string_view key, int& target, std::string_view help, Limits limits) override {
    add(key, "integer", limits, fmt::format("{}", target), help);
  }
  void value(std::string_view key, std::uint64_t& target, std::string_view help,
             Limits limits) override {
    add(key, "integer", limits, fmt::format("{}", target), help);
  }
  void value(std::string_view key, double& target, std::string_view help, Limits limits) override {
    add(key, "number", limits, fmt::format("{}", target), help);
  }
  void value(std::string_view key, std::string& target, std::string_view help) override {
    add(key, "string", {}, fmt::format("\"{}\"", target), help);
  }
  void value(std::string_view key, std::vector<int>& target, std::string_view help,
             Limits limits) override {
    add(key, "integers", limits, fmt::format("{}", fmt::join(target, ",")), help);
  }
  void value(std::string_view key, std::vector<double>& target, std::string_view help,
             Limits limits) override {
    add(key, "numbers", limits, fmt::format("{}", fmt::join(target, ",")), help);
  }
  void value(std::string_view key, std::vector<std::string>& target,
             std::string_view help) override {
    add(key, "strings", {}, fmt::format("{}", fmt::join(target, ",")), help);
  }
  void choice(std::string_view key, int& index, const std::vector<std::string>& names,
              std::string_view help) override {
    add(key, fmt::format("{}", fmt::join(names, "|")), {},
        names.at(static_cast<std::size_t>(index)), help);
  }
  void section(std::string_view key, const std::function<void()>& body) override {
    std::string outer = std::exchange(path_, join_key(path_, key));
    body();
    path_ = std::move(outer);
  }
  void list(std::string_view key, const std::function<std::size_t(std::size_t)>& resize,
            const std::function<void(std::size_t)>& element) override {
    const bool empty = resize(kKeep) == 0;
    if (empty) resize(1);
    section(fmt::format("{}.N", key), [&] { element(0); });
    if (empty) resize(0);
  }

  std::string take() { return std::move(text_); }

 private:
  void add(std::string_view key, std::string_view type, const Limits& limits,
           std::string_view present, std::string_view help) {
    const std::string range = to_string(limits);
    text_ +=
        fmt::format("{}  ({}{}{}, default {})  {}\n", join_key(path_, key), type,
                    range.empty() ? "" : " ", range, present.empty() ? "empty" : present, help);
  }

  std::string path_;
  std::string text_;
};

void apply_environment(Value& root) {
  const char* variable = std::getenv("FLATENN_SET");
  std::string_view text = variable == nullptr ? "" : variable;
  while (!text.empty()) {
    const std::size_t end = text.find(';');
    if (end != 0) apply_override(root, text.substr(0, end), "FLATENN_SET");
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
}

Value write_document(const std::function<void(Binder&)>& bind_all) {
  Writer writer;
  bind_all(writer);
  return writer.take();
}

}  // namespace

std::string to_string(const Limits& limits) {
  const bool low = std::isfinite(limits.low), high = std::isfinite(limits.high);
  if (low && high) return fmt::format("between {} and {}", limits.low, limits.high);
  if (low) return fmt::format("at least {}", limits.low);
  if (high) return fmt::format("at most {}", limits.high);
  return "";
}

std::string join_key(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

void read_config(const ConfigSource& source, const std::function<void(Binder&)>& bind_all) {
  Value root;
  if (!source.file.empty()) {
    root = parse_document(read_text_file(source.file, kLargestFile), source.file.string());
  }
  if (source.use_environment) apply_environment(root);
  for (const std::string& text : source.overrides) apply_override(root, text, "--set");
  read_document(root, bind_all);
}

void read_config_text(std::string_view text, std::string_view name,
                      const std::vector<std::string>& overrides,
                      const std::function<void(Binder&)>& bind_all) {
  Value root = parse_document(text, name);
  for (const std::string& override_text : overrides) apply_override(root, override_text, "--set");
  read_document(root, bind_all);
}

std::string write_config(const std::function<void(Binder&)>& bind_all) {
  return to_toml(write_document(bind_all));
}

std::string config_json(const std::function<void(Binder&)>& bind_all) {
  return to_json(write_document(bind_all));
}

std::string config_help(const std::function<void(Binder&)>& bind_all) {
  Helper helper;
  bind_all(helper);
  return helper.take();
}

}  // namespace flatenn
