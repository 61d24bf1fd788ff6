#include "flatenn/memory/placement.h"

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/memory/protection_text.h"

namespace flatenn {

Placement parse_placement(std::string_view text) {
  constexpr std::uint64_t longest = std::uint64_t{1} << 20;
  Placement placement;
  ProtectionText parts("placement", text, "protect:K, interleave:D, rotate:G");
  while (const auto part = parts.next()) {
    if (part->name == "protect") {
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
      choice.add(static_cast<int>((last->address - first_bit) % width));
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
