#include "flatenn/memory/protection_text.h"

#include <algorithm>
#include <charconv>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

/// Texts come from files too: short in an error line, and nothing that a terminal would obey.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 60));
  std::ranges::replace_if(
      result, [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

}  // namespace

std::optional<ProtectionText::Part> ProtectionText::next() {
  if (text_.empty() || !more_) return std::nullopt;
  const std::size_t plus = rest_.find('+');
  const std::string_view part = rest_.substr(0, plus);
  more_ = plus != std::string_view::npos;
  rest_ = more_ ? rest_.substr(plus + 1) : std::string_view();
  const std::size_t colon = part.find(':');
  const Part result{part.substr(0, colon),
                    colon == std::string_view::npos ? "" : part.substr(colon + 1)};
  if (result.name.empty()) fail("{}: \"{}\" has an empty part", key_, shown(text_));
  if (std::ranges::find(seen_, result.name) != seen_.end()) {
    fail("{}: \"{}\" says {} twice", key_, shown(text_), shown(result.name));
  }
  seen_.push_back(result.name);
  return result;
}

std::uint64_t ProtectionText::number(const Part& part, std::uint64_t lo, std::uint64_t hi,
                                     std::string_view what) const {
  std::uint64_t value = 0;
  const char* end = part.value.data() + part.value.size();
  const auto [stop, error] = std::from_chars(part.value.data(), end, value);
  if (error != std::errc() || stop != end || part.value.empty() || value < lo || value > hi) {
    fail("{}: {} should have {} to {} {} (\"{}:{}\"), not \"{}\"", key_, shown(part.name), lo, hi,
         what, shown(part.name), lo, shown(part.value));
  }
  return value;
}

void ProtectionText::fail_unknown(const Part& part) const {
  fail("{}: unknown \"{}\"; known: {}", key_, shown(part.name), known_);
}

}  // namespace flatenn
