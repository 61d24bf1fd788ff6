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

namespace flatenn {

/// Allowed closed interval of a number.
struct Limits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
inline Limits at_least(double low) { return {low, std::numeric_limits<double>::infinity()}; }
inline Limits between(double low, double high) { return {low, high}; }

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
  /// An array of tables [[key]]: `resize(n)` is told the number when reading and must return the
  /// number to write otherwise; `element(i)` binds one.
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
/// strings).
struct ConfigSource {
  std::filesystem::path file;           ///< empty: no file
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

/// The resolved settings. Reading the TOML again gives the same settings; equal settings give equal
/// text (so its hash names them).
std::string write_config(const std::function<void(Binder&)>& bind_all);
std::string config_json(const std::function<void(Binder&)>& bind_all);

/// One line a key: name, type, default, limits, help.
std::string config_help(const std::function<void(Binder&)>& bind_all);

/// "1e-3..5e-2:8" -> 8 values in geometric progression; "0.1,0.2" -> list; "0.1" -> one.
/// Throws Error naming `where`.
std::vector<double> expand_grid(std::string_view text, std::string_view where);

/// The closest of `candidates`, or empty when none is close (edit distance <= 1/3 of the length).
std::string closest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace flatenn
