// Binding: one function a settings struct says its keys, types, limits and help once; reading TOML,
// reading overrides, writing the resolved settings back and listing the help all use it.
//
//   void bind(Binder& b, TrainSettings& s) {
//     b.value("epochs", s.epochs, "passes over the training images", at_least(1));
//     b.section("sparsity", [&] { bind(b, s.sparsity); });
//   }
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "flatenn/config/grid.h"
#include "flatenn/config/names.h"

namespace flatenn {

/// Allowed closed interval of a number.
struct Limits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
inline Limits at_least(double low) { return {low, std::numeric_limits<double>::infinity()}; }
inline Limits between(double low, double high) { return {low, high}; }

/// "at least 1", "between 0 and 1"; empty when there is none.
std::string to_string(const Limits& limits);

/// "a" and "b" -> "a.b"; "" and "b" -> "b".
std::string join_key(std::string_view path, std::string_view key);

class Binder {
 public:
  virtual ~Binder() = default;
  virtual void value(std::string_view key, bool& target, std::string_view help) = 0;
  virtual void value(std::string_view key, int& target, std::string_view help,
                     Limits limits = {}) = 0;
  virtual void value(std::string_view key, std::uint64_t& target, std::string_view help,
                     Limits limits = {}) = 0;
  virtual void value(std::string_view key, double& target, std::string_view help,
                     Limits limits = {}) = 0;
  virtual void value(std::string_view key, std::string& target, std::string_view help) = 0;
  /// Lists; limits hold for every element. A list of numbers also accepts "a..b:n", a logarithmic
  /// grid of n points from a to b (expand_grid), and a single number.
  virtual void value(std::string_view key, std::vector<int>& target, std::string_view help,
                     Limits limits = {}) = 0;
  virtual void value(std::string_view key, std::vector<double>& target, std::string_view help,
                     Limits limits = {}) = 0;
  virtual void value(std::string_view key, std::vector<std::string>& target,
                     std::string_view help) = 0;
  /// One of `names`; `index` is its position. An unknown name is an Error with "did you mean".
  virtual void choice(std::string_view key, int& index, const std::vector<std::string>& names,
                      std::string_view help) = 0;
  /// A sub-table [key].
  virtual void section(std::string_view key, const std::function<void()>& body) = 0;
  /// An array of tables [[key]]. `resize(n)` makes n elements and returns n; `resize(kKeep)`
  /// changes nothing and returns the present number. `element(i)` binds one. When a file has the
  /// key, its elements replace all present ones.
  static constexpr std::size_t kKeep = ~std::size_t{0};
  virtual void list(std::string_view key, const std::function<std::size_t(std::size_t)>& resize,
                    const std::function<void(std::size_t)>& element) = 0;

  /// An enum whose values are 0, 1, ... in the order of `names`.
  template <class E>
  void choice(std::string_view key, E& target, const std::vector<std::string>& names,
              std::string_view help) {
    int index = static_cast<int>(target);
    choice(key, index, names, help);
    target = static_cast<E>(index);
  }
};

/// Settings as they come in: defaults in the struct < file < environment < overrides.
/// Environment: FLATENN_SET="a.b=c;d=e". Overrides: "a.b=c", values in TOML syntax (bare words are
/// strings); in an array of tables a number selects the element: "arm.2.radius=0.02".
struct ConfigSource {
  std::filesystem::path file;  ///< empty: no file
  std::vector<std::string> overrides;
  bool use_environment = true;
};

/// Reads a settings struct. Unknown keys, wrong types and values out of limits throw Error:
/// "configs/x.toml:12: unknown key 'epoch' in [train]; did you mean 'epochs'?"
void read_config(const ConfigSource& source, const std::function<void(Binder&)>& bind_all);
/// The same from TOML text; `name` stands for the file in messages.
void read_config_text(std::string_view text, std::string_view name,
                      const std::vector<std::string>& overrides,
                      const std::function<void(Binder&)>& bind_all);

/// The resolved settings as TOML. Reading the TOML again gives the same settings; equal settings
/// give equal text (so its hash names them).
std::string write_config(const std::function<void(Binder&)>& bind_all);
std::string config_json(const std::function<void(Binder&)>& bind_all);

/// One line a key: name, type, default, limits, help.
std::string config_help(const std::function<void(Binder&)>& bind_all);

}  // namespace flatenn
