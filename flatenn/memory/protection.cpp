#include "flatenn/memory/protection.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "flatenn/base/error.h"
#include "flatenn/memory/check_cells.h"

namespace flatenn {
namespace {

double parse_headroom(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 1 && value <= 64)) {
    fail("headroom: \"{}\" is no number from 1 to 64", text.substr(0, 60));
  }
  return value;
}

/// The largest word up to 64 bits that codes of `bits` bits fill.
int filled_word(int bits) { return 64 / bits * bits; }

void check_tensor(const Protection& protection, const StoredTensor& tensor) {
  const Guard& guard = protection.guard;
  const int bits = tensor.format.bits;
  if (guard.code != WordCodeKind::none && guard.word_bits % bits != 0) {
    fail(
        "guard: words of {} bits ({}) are not filled by the {}-bit codes of {} (memory: {}); "
        "{} bits would be",
        guard.word_bits, to_string(guard), bits, tensor.name, to_string(tensor.part),
        filled_word(bits));
  }
  if (guard.voted > bits) {
    fail("guard: tmr:{} votes on more bits than the {} of a code of {} (memory: {})", guard.voted,
         bits, tensor.name, to_string(tensor.part));
  }
  if (protection.placement.protect > bits) {
    fail("placement: protect:{} asks for {} protected cells, but {} (memory: {}) has {}",
         protection.placement.protect,
         static_cast<std::uint64_t>(protection.placement.protect) * tensor.elements, tensor.name,
         to_string(tensor.part), tensor.bits());
  }
}

/// Fault maps number fewer than 2^48 - 2^20 cells.
void check_size(const Protection& protection, const MemoryLayout& memory) {
  constexpr std::uint64_t most = (std::uint64_t{1} << 48) - (std::uint64_t{1} << 20) - 1;
  const std::uint64_t cells = CheckCells(memory, protection.guard).end();
  const ColumnSkip& skip = protection.placement.skip;
  // Written without products, which could be too large themselves.
  const bool skips_fit = !skip.any() || cells / (skip.columns - skip.skipped) < most / skip.columns;
  if (cells > most || !skips_fit) {
    fail("memory: with the cells of {} ({} before columns are skipped) it is too large",
         to_string(protection), cells);
  }
}

}  // namespace

std::string to_string(const Protection& protection) {
  std::string text;
  if (protection.headroom != 1) text += fmt::format("+headroom:{}", protection.headroom);
  const std::string placement = to_string(protection.placement);
  if (!placement.empty()) text += "+" + placement;
  const std::string guard = to_string(protection.guard);
  if (!guard.empty()) text += "+" + guard;
  return text.empty() ? text : text.substr(1);
}

Protection read_protection(std::string_view text, const std::optional<Geometry>& geometry) {
  Protection protection;
  if (text.empty()) return protection;
  std::string headroom, placement, guard;
  for (std::size_t begin = 0, end = 0; end != text.npos; begin = end + 1) {
    end = text.find('+', begin);
    const std::string_view part = text.substr(begin, end - begin);
    if (part.empty()) fail("a protection \"{}\" has an empty part", text.substr(0, 60));
    const std::string_view name = part.substr(0, part.find(':'));
    std::string& list = name == "headroom" ? headroom : names_guard(name) ? guard : placement;
    list += fmt::format("{}{}", list.empty() ? "" : "+", part);
  }
  constexpr std::size_t number = std::string_view("headroom:").size();
  if (!headroom.empty()) {
    protection.headroom = parse_headroom(headroom.substr(std::min(number, headroom.size())));
  }
  protection.placement = parse_placement(placement, geometry);
  protection.guard = parse_guard(guard);
  return protection;
}

Protection parse_protection(std::string_view text) {
  const Protection protection = read_protection(text);
  if (to_string(protection) != text) {
    fail("a protection reads \"{}\", not \"{}\"", to_string(protection), text.substr(0, 60));
  }
  return protection;
}

void check_protection(const Protection& protection, const MemoryLayout& memory) {
  if (!protection.any()) return;
  if (protection.guard.bound != BoundRule::none && !memory.parts().weights) {
    fail("guard: {} is about weights (memory: {})", to_string(protection.guard),
         to_string(memory.parts()));
  }
  std::uint64_t left = 0;  // cells that may fail
  for (const StoredTensor& tensor : memory.tensors()) {
    if (!memory.parts().has(tensor.part)) continue;
    check_tensor(protection, tensor);
    left += static_cast<std::uint64_t>(tensor.format.bits - protection.placement.protect) *
            tensor.elements;
  }
  if (left == 0) {
    fail("placement: protect:{} protects every cell of the memory (memory: {}), so none could fail",
         protection.placement.protect,
         memory.parts() == MemoryParts{} ? "weights" : to_string(memory.parts()));
  }
  check_size(protection, memory);
}

void check_kind(const Protection& protection, const MemoryParts& parts, FaultKind kind) {
  if (kind == FaultKind::flip || !parts.activations) return;
  if (protection.guard.code == WordCodeKind::none) return;
  fail(
      "kinds and guard: with {} in activation buffers {} would depend on every image; take flips, "
      "tmr, a placement, or leave activations out of memory",
      to_string(kind), to_string(protection.guard));
}

double ProtectionCost::overhead() const {
  return data == 0 ? 0 : 100.0 * static_cast<double>(stored() - data) / static_cast<double>(data);
}

double ProtectionCost::throughput() const { return 100 / (1 + overhead() / 100); }

std::uint64_t protected_cells(const Protection& protection, const MemoryLayout& memory) {
  return cells_with_skipped(protection.placement.skip, CheckCells(memory, protection.guard).end());
}

ProtectionCost protection_cost(const Protection& protection, const MemoryLayout& memory) {
  ProtectionCost cost;
  const Placement& placement = protection.placement;
  const CheckCells cells(memory, protection.guard);
  cost.skipped = cells_with_skipped(placement.skip, cells.end()) - cells.end();
  for (const GuardedTensor& tensor : cells.tensors()) {
    cost.data += tensor.data_bits();
    cost.check += tensor.voted_bits() + tensor.check_bits();
    cost.hardened += static_cast<std::uint64_t>(placement.protect) * tensor.elements;
    if (placement.rotate > 0) {
      const std::uint64_t groups = (tensor.elements + placement.rotate - 1) / placement.rotate;
      const int one = std::bit_width(static_cast<unsigned>(tensor.bits) - 1);
      cost.metadata += groups * static_cast<std::uint64_t>(one);
    }
  }
  return cost;
}

}  // namespace flatenn
