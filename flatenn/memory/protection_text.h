// ProtectionText: "secded:64+bound:1", the small text form of guards and placements: names with
// numbers, combined by +, each name once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

class ProtectionText {
 public:
  struct Part {
    std::string_view name;
    std::string_view value;  ///< behind the colon; empty without one
  };

  /// `key` is the setting that the text stands in, `known` lists what it may hold; both outlive it.
  ProtectionText(std::string_view key, std::string_view text, std::string_view known)
      : key_(key), text_(text), rest_(text), known_(known) {}

  /// The parts in turn. Throws Error for empty parts and a name that stood before.
  std::optional<Part> next();
  /// The value as a number. Throws Error, saying what it counts, unless it is lo .. hi.
  std::uint64_t number(const Part& part, std::uint64_t lo, std::uint64_t hi,
                       std::string_view what) const;
  [[noreturn]] void fail_unknown(const Part& part) const;

 private:
  std::string_view key_, text_, rest_, known_;
  std::vector<std::string_view> seen_;
  bool more_ = true;
};

}  // namespace flatenn
