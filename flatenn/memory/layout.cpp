#include "flatenn/memory/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "flatenn/base/error.h"
#include "flatenn/memory/bias_codes.h"

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

MemoryLayout::MemoryLayout(const Model& model, MemoryParts parts) : parts_(parts) {
  FLATENN_ASSERT(parts.any());
  for (const WeightTensor& weights : model.weights) {
    check_format(weights.format, weights.name);
    place(
        {weights.name, weights.format, 0, weights.codes.size(), MemoryPart::weights, weights.node});
  }
  if (!parts.biases && !parts.activations) return;
  for (std::size_t n = 0; n < model.graph.nodes.size(); ++n) {
    if (model.affine[n].addend.empty()) continue;
    place({model.graph.nodes[n].name + ".bias",
           {bias_bits, Encoding::twos_complement},
           0,
           model.affine[n].addend.size(),
           MemoryPart::biases,
           static_cast<int>(n)});
  }
  if (!parts.activations) return;
  const std::vector<NodeInfo> infos = check_graph(model.graph);
  for (std::size_t n = 0; n < infos.size(); ++n) {
    const Node& node = model.graph.nodes[n];
    const auto* activation = std::get_if<Activation>(&node.op);
    const auto* quantize = std::get_if<Quantize>(&node.op);
    if (activation == nullptr && quantize == nullptr) continue;
    place({node.name,
           {activation != nullptr ? activation->bits : quantize->bits, Encoding::twos_complement},
           0,
           static_cast<std::uint64_t>(infos[n].shape.elements()),
           MemoryPart::activations,
           static_cast<int>(n),
           activation != nullptr});
  }
}

/// After all others.
void MemoryLayout::place(StoredTensor tensor) {
  tensor.first_bit = bits_;
  bits_ += tensor.bits();
  tensors_.push_back(std::move(tensor));
}

std::string MemoryLayout::text() const {
  std::string text;
  for (const StoredTensor& tensor : tensors_) {
    const char* part = tensor.part == MemoryPart::biases        ? "b"
                       : tensor.part == MemoryPart::activations ? "a"
                                                                : "";
    text += fmt::format("{}{} {}x{}{}", text.empty() ? "" : ", ", tensor.name, tensor.elements,
                        tensor.format.bits, part);
  }
  return text;
}

MemoryLayout MemoryLayout::parse(std::string_view text, MemoryParts parts) {
  constexpr std::uint64_t most_bits = std::uint64_t{1} << 48;
  MemoryLayout layout;
  layout.parts_ = parts;
  std::set<std::pair<MemoryPart, std::string>> names;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = rest.find(", ");
    const std::string_view part = rest.substr(0, comma);
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 2);
    std::optional<StoredTensor> tensor = parse_tensor(part);
    const bool dangling = comma != std::string_view::npos && rest.empty();
    const bool in_order =
        tensor && (layout.tensors_.empty() || layout.tensors_.back().part <= tensor->part);
    if (!in_order || dangling || !names.emplace(tensor->part, tensor->name).second) {
      fail("a memory layout reads \"NAME ELEMENTSxBITS, ...\", each name once; not \"{}\"",
           part.substr(0, 80));
    }
    layout.place(*std::move(tensor));
    if (layout.bits_ >= most_bits) fail("a memory layout of {} bits is absurd", layout.bits_);
  }
  return layout;
}

std::uint64_t MemoryLayout::stored_bits() const {
  const auto buffer = std::ranges::find(tensors_, MemoryPart::activations, &StoredTensor::part);
  return buffer == tensors_.end() ? bits_ : buffer->first_bit;
}

Cell MemoryLayout::cell(std::uint64_t address) const {
  FLATENN_ASSERT(address < bits_);
  const auto after = std::upper_bound(
      tensors_.begin(), tensors_.end(), address,
      [](std::uint64_t value, const StoredTensor& tensor) { return value < tensor.first_bit; });
  const StoredTensor& tensor = *(after - 1);
  const std::uint64_t offset = address - tensor.first_bit;
  const auto bits = static_cast<std::uint64_t>(tensor.format.bits);
  return {static_cast<int>(after - tensors_.begin()) - 1, offset / bits,
          static_cast<int>(offset % bits)};
}

std::uint64_t MemoryLayout::address(const Cell& cell) const {
  FLATENN_ASSERT(cell.tensor >= 0 && cell.tensor < static_cast<int>(tensors_.size()));
  const StoredTensor& tensor = tensors_[static_cast<std::size_t>(cell.tensor)];
  FLATENN_ASSERT(cell.element < tensor.elements);
  FLATENN_ASSERT(cell.bit >= 0 && cell.bit < tensor.format.bits);
  return tensor.first_bit + cell.element * static_cast<std::uint64_t>(tensor.format.bits) +
         static_cast<std::uint64_t>(cell.bit);
}

Exposure MemoryLayout::expose(std::span<const std::string> patterns) const {
  return flatenn::expose(tensors_, patterns, parts_);
}

}  // namespace flatenn
