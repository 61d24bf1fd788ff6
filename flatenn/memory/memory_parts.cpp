#include "flatenn/memory/memory_parts.h"

#include <algorithm>
#include <array>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

constexpr std::array<std::string_view, 3> part_names = {"weights", "biases", "activations"};

/// Where the choice keeps each part, in their order.
constexpr std::array<bool MemoryParts::*, 3> members = {&MemoryParts::weights, &MemoryParts::biases,
                                                        &MemoryParts::activations};

}  // namespace

std::string_view to_string(MemoryPart part) { return part_names[static_cast<std::size_t>(part)]; }

bool MemoryParts::has(MemoryPart part) const {
  return this->*members[static_cast<std::size_t>(part)];
}

std::string to_string(const MemoryParts& parts) {
  FLATENN_ASSERT(parts.any());
  std::string text;
  if (parts == MemoryParts{}) return text;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!(parts.*members[i])) continue;
    if (!text.empty()) text += ',';
    text += part_names[i];
  }
  return text;
}

MemoryParts parse_memory_parts(std::string_view text) {
  if (text.empty()) return {};
  MemoryParts parts{.weights = false};
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const auto found = std::find(part_names.begin(), part_names.end(), name);
    if (found == part_names.end()) {
      fail("unknown memory '{}'; known: {}", name, fmt::join(part_names, ", "));
    }
    parts.*members[static_cast<std::size_t>(found - part_names.begin())] = true;
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return parts;
}

}  // namespace flatenn
