#include "flatenn/memory/placement.h"

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/memory/protection_text.h"

namespace flatenn {

namespace {

/// "8" or "8:128x256".
ColumnSkip parse_skip(const ProtectionText& parts, const ProtectionText::Part& part,
                      const std::optional<Geometry>& geometry) {
  constexpr std::uint64_t longest = std::uint64_t{1} << 20;
  const Geometry banks = geometry.value_or(Geometry{});
  ColumnSkip skip{0, banks.row_bits(), banks.rows};
  const std::size_t colon = part.value.find(':');
  if (colon != part.value.npos) {
    const std::string_view size = part.value.substr(colon + 1);
    const std::size_t cross = std::min(size.find('x'), size.size());
    skip.columns =
        parts.number({part.name, size.substr(0, cross)}, 2, longest, "columns of a bank");
    skip.rows = parts.number({part.name, size.substr(std::min(cross + 1, size.size()))}, 1, longest,
                             "rows of a bank");
    if (geometry && (skip.columns != banks.row_bits() || skip.rows != banks.rows)) {
      fail(
          "placement and geometry: skip:{} is for banks of {} columns and {} rows, but word_bits, "
          "row_words and rows make them {} and {}",
          part.value, skip.columns, skip.rows, banks.row_bits(), banks.rows);
    }
  }
  skip.skipped = parts.number({part.name, part.value.substr(0, colon)}, 1, skip.columns - 1,
                              "skipped columns of a bank");
  return skip;
}

}  // namespace

Placement parse_placement(std::string_view text, const std::optional<Geometry>& geometry) {
  constexpr std::uint64_t longest = std::uint64_t{1} << 20;
  Placement placement;
  ProtectionText parts("placement", text, "skip:N, protect:K, interleave:D, rotate:G");
  while (const auto part = parts.next()) {
    if (part->name == "skip") {
      placement.skip = parse_skip(parts, *part, geometry);
    } else if (part->name == "protect") {
      placement.protect = static_cast<int>(parts.number(*part, 1, 16, "protected bits of a code"));
    } else if (part->name == "interleave") {
      placement.interleave = parts.number(*part, 2, longest, "interleaved words");
    } else if (part->name == "rotate") {
      placement.rotate = parts.number(*part, 1, longest, "codes that rotate together");
    } else {
      parts.fail_unknown(*part);
    }
  }
  if (placement.protect > 0 && placement.rotate > 0) {
    fail(
        "placement: protect and rotate contradict each other: a rotated code has no fixed top "
        "cells");
  }
  return placement;
}

std::string to_string(const Placement& placement) {
  std::string text;
  const ColumnSkip& skip = placement.skip;
  if (skip.any()) text += fmt::format("+skip:{}:{}x{}", skip.skipped, skip.columns, skip.rows);
  if (placement.protect > 0) text += fmt::format("+protect:{}", placement.protect);
  if (placement.interleave > 1) text += fmt::format("+interleave:{}", placement.interleave);
  if (placement.rotate > 0) text += fmt::format("+rotate:{}", placement.rotate);
  return text.empty() ? text : text.substr(1);
}

std::uint64_t interleaved_address(const WordRange& range, std::uint64_t degree,
                                  std::uint64_t cell) {
  const std::uint64_t offset = cell - range.first;
  const std::uint64_t block = offset / (degree * range.cells);
  const std::uint64_t first_word = block * degree;
  const std::uint64_t words = std::min(degree, range.words - first_word);
  const std::uint64_t within = offset - first_word * range.cells;
  const std::uint64_t word = first_word + within % words;
  return range.first + word * range.cells + within / words;
}

void RotationChoice::add(int cell) {
  for (int k = 0; k < bits_; ++k) {
    cost_[k] += std::uint64_t{1} << (cell >= k ? cell - k : cell - k + bits_);
  }
}

int RotationChoice::best() const {
  return static_cast<int>(std::min_element(cost_, cost_ + bits_) - cost_);
}

void rotate_faults(std::span<Fault> faults, std::uint64_t first_bit, int bits,
                   std::uint64_t group) {
  const auto width = static_cast<std::uint64_t>(bits);
  const auto by_address = [](const Fault& a, const Fault& b) { return a.address < b.address; };
  for (auto first = faults.begin(); first != faults.end();) {
    const std::uint64_t number = (first->address - first_bit) / (width * group);
    const std::uint64_t end = first_bit + (number + 1) * width * group;
    RotationChoice choice(bits);
    auto last = first;
    for (; last != faults.end() && last->address < end; ++last) {
      if (last->known) choice.add(static_cast<int>((last->address - first_bit) % width));
    }
    const auto rotation = static_cast<std::uint64_t>(choice.best());
    for (auto fault = first; fault != last; ++fault) {
      const std::uint64_t cell = (fault->address - first_bit) % width;
      fault->address += (cell + width - rotation) % width - cell;
    }
    std::sort(first, last, by_address);
    first = last;
  }
}

}  // namespace flatenn
