#include "flatenn/memory/layout.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "conv1.weight 150x4".
std::optional<StoredTensor> parse_tensor(std::string_view text) {
  constexpr std::uint64_t most_elements = std::uint64_t{1} << 43;
  const std::size_t space = text.find(' ');
  const std::size_t cross = text.rfind('x');
  if (space == 0 || space == text.npos || cross == text.npos || cross < space) return std::nullopt;
  MemoryPart part = MemoryPart::weights;
  if (text.back() == 'b') part = MemoryPart::biases;
  if (text.back() == 'a') part = MemoryPart::activations;
  if (part != MemoryPart::weights) text.remove_suffix(1);
  const auto elements = parse_number(text.substr(space + 1, cross - space - 1));
  const auto bits = parse_number(text.substr(cross + 1));
  if (!elements || !bits || *elements > most_elements || *bits < 1 || *bits > 31) {
    return std::nullopt;
  }
  StoredTensor tensor;
  tensor.name = text.substr(0, space);
  tensor.format.bits = static_cast<int>(*bits);
  tensor.elements = *elements;
  tensor.part = part;
  return tensor;
}

}  // namespace

std::string layout_text(std::span<const StoredTensor> tensors) {
  std::string text;
  for (const StoredTensor& tensor : tensors) {
    const char* part = tensor.part == MemoryPart::biases        ? "b"
                       : tensor.part == MemoryPart::activations ? "a"
                                                                : "";
    text += fmt::format("{}{} {}x{}{}", text.empty() ? "" : ", ", tensor.name, tensor.elements,
                        tensor.format.bits, part);
  }
  return text;
}

std::vector<StoredTensor> parse_layout(std::string_view text) {
  constexpr std::uint64_t most_bits = std::uint64_t{1} << 48;
  std::vector<StoredTensor> tensors;
  std::set<std::string> names;
  std::uint64_t bits = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find(", "));
    rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 2);
    std::optional<StoredTensor> tensor = parse_tensor(part);
    const bool whole =
        !tensor || (part.data() + part.size() == text.data() + text.size() || !rest.empty());
    if (!tensor || !whole || !names.insert(tensor->name).second) {
      fail("a memory layout reads \"NAME ELEMENTSxBITS, ...\", each name once; not \"{}\"",
           part.substr(0, 80));
    }
    tensor->first_bit = bits;
    bits += tensor->bits();
    if (bits >= most_bits) fail("a memory layout of {} bits is absurd", bits);
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

}  // namespace flatenn
