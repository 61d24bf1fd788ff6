#include "flatenn/memory/exposure.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr int kPositions = 31;  // what Exposure::Range can mask

/// What BITS choose; without BITS, all.
struct Positions {
  bool all = false;
  bool top = false;
  std::uint32_t mask = 0;  ///< positions named by number
};

struct Pattern {
  std::string glob;
  Positions positions;
};

/// The positions of a code of `bits` bits.
std::uint32_t mask_of(const Positions& positions, int bits) {
  const std::uint32_t every = (std::uint32_t{1} << bits) - 1;
  if (positions.all) return every;
  const std::uint32_t top = positions.top ? std::uint32_t{1} << (bits - 1) : 0;
  return (positions.mask & every) | top;
}

std::optional<int> parse_position(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.front() == '-' || value >= kPositions) return std::nullopt;
  return value;
}

/// Nothing when the text is no BITS.
std::optional<Positions> parse_positions(std::string_view text) {
  Positions positions;
  if (text == "top") {
    positions.top = true;
    return positions;
  }
  const std::size_t dash = text.find('-');
  const auto first = parse_position(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_position(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  for (int bit = *first; bit <= *last; ++bit) positions.mask |= std::uint32_t{1} << bit;
  return positions;
}

Pattern parse_pattern(const std::string& text) {
  if (text.find_first_of(",|") != std::string::npos) {
    fail("exposed: \"{}\" holds a comma or a bar; give several patterns instead", text);
  }
  const std::size_t colon = text.rfind(':');
  // A colon may also stand in a character class of the glob: "[[:alpha:]]*".
  if (colon == std::string::npos || text.find(']', colon) != std::string::npos) {
    return {text, {.all = true}};
  }
  const auto positions = parse_positions(std::string_view(text).substr(colon + 1));
  if (!positions) {
    fail(
        "exposed: the bits in \"{}\" should be a position from 0 to {} (\"*:3\"), a range of them "
        "(\"*:0-2\") or top (\"*:top\")",
        text, kPositions - 1);
  }
  return {text.substr(0, colon), *positions};
}

bool matches(const Pattern& pattern, const StoredTensor& tensor) {
  return fnmatch(pattern.glob.c_str(), tensor.name.c_str(), 0) == 0;
}

/// Throws Error when the pattern chooses nothing in the parts, or less than it says.
void check_pattern(const Pattern& pattern, const std::string& text,
                   std::span<const StoredTensor> tensors, MemoryParts parts) {
  int widest = 0;
  for (const StoredTensor& tensor : tensors) {
    if (!parts.has(tensor.part)) continue;
    if (matches(pattern, tensor)) widest = std::max(widest, tensor.format.bits);
  }
  if (widest == 0) {
    fail("exposed: no tensor matches \"{}\"; the model has {}", pattern.glob,
         fmt::join(layer_patterns(tensors, parts), ", "));
  }
  if (static_cast<int>(std::bit_width(pattern.positions.mask)) > widest) {
    fail("exposed: \"{}\" names a bit that no tensor has: the widest that matches has bits 0 to {}",
         text, widest - 1);
  }
}

/// Appends "GLOB:first-last" for each run of set bits.
void append_runs(const std::string& glob, std::uint32_t mask, std::vector<std::string>& patterns) {
  while (mask != 0) {
    const int first = std::countr_zero(mask);
    const int last = first + std::countr_one(mask >> first) - 1;
    patterns.push_back(first == last ? fmt::format("{}:{}", glob, first)
                                     : fmt::format("{}:{}-{}", glob, first, last));
    mask &= ~((std::uint32_t{2} << last) - 1);
  }
}

}  // namespace

bool Exposure::contains(std::uint64_t address) const {
  const auto range = std::ranges::upper_bound(ranges, address, {}, &Range::last);
  if (range == ranges.end() || address < range->first) return false;
  return (range->mask >> ((address - range->first) % static_cast<std::uint64_t>(range->bits)) &
          1) != 0;
}

std::uint64_t Exposure::bits() const {
  std::uint64_t sum = 0;
  for (const Range& range : ranges) {
    const auto width = static_cast<std::uint64_t>(range.bits);
    sum += (range.last - range.first) / width * static_cast<unsigned>(std::popcount(range.mask));
  }
  return sum;
}

Exposure expose(std::span<const StoredTensor> tensors, std::span<const std::string> patterns,
                MemoryParts parts) {
  std::vector<Pattern> parsed;
  for (const std::string& text : patterns) {
    check_pattern(parsed.emplace_back(parse_pattern(text)), text, tensors, parts);
  }
  if (patterns.empty()) parsed.push_back({"*", {.all = true}});
  Exposure exposure;
  for (const StoredTensor& tensor : tensors) {
    if (!parts.has(tensor.part)) continue;
    FLATENN_ASSERT(tensor.format.bits >= 1 && tensor.format.bits <= kPositions);
    std::uint32_t mask = 0;
    for (const Pattern& pattern : parsed) {
      if (matches(pattern, tensor)) mask |= mask_of(pattern.positions, tensor.format.bits);
    }
    if (mask == 0 || tensor.elements == 0) continue;
    const std::uint64_t last = tensor.first_bit + tensor.bits();
    exposure.ranges.push_back({tensor.first_bit, last, tensor.format.bits, mask});
  }
  return exposure;
}

bool names_bits(const std::string& pattern) { return !parse_pattern(pattern).positions.all; }

std::vector<std::string> canonical_patterns(std::span<const std::string> patterns) {
  std::map<std::string, Positions> united;
  for (const std::string& text : patterns) {
    const Pattern pattern = parse_pattern(text);
    Positions& positions = united[pattern.glob];
    positions.all |= pattern.positions.all;
    positions.top |= pattern.positions.top;
    positions.mask |= pattern.positions.mask;
  }
  const auto everything = united.find("*");
  if (everything != united.end() && everything->second.all) return {};
  std::vector<std::string> canonical;
  for (const auto& [glob, positions] : united) {
    if (positions.all) {
      canonical.push_back(glob);
      continue;
    }
    append_runs(glob, positions.mask, canonical);
    if (positions.top) canonical.push_back(glob + ":top");
  }
  return canonical;
}

std::vector<std::string> layer_patterns(std::span<const StoredTensor> tensors, MemoryParts parts) {
  std::vector<std::string> patterns;
  for (const StoredTensor& tensor : tensors) {
    if (parts.has(tensor.part)) patterns.push_back(tensor.name);
  }
  return patterns;
}

}  // namespace flatenn
