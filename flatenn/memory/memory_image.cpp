#include "flatenn/memory/memory_image.h"

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/base/hash.h"

namespace flatenn {
namespace {

/// Faults lie too far apart for the processor to guess the next cache line: it is asked for this
/// many faults early.
constexpr std::size_t kAhead = 24;
void prefetch(const std::uint64_t* word) { __builtin_prefetch(word, 1); }

/// Upper 64 bits of the product.
std::uint64_t upper_half(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}

/// What the cell reads.
bool value_under_fault(FaultKind kind, bool stored, bool coin) {
  switch (kind) {
    case FaultKind::flip:
      return !stored;
    case FaultKind::stuck0:
      return false;
    case FaultKind::stuck1:
      return true;
    case FaultKind::stuck:
      return coin;
  }
  return stored;
}

/// Whether the mask of the range that holds the address exposes it.
bool exposed(const Exposure::Range& range, std::uint64_t address) {
  const std::uint64_t position = (address - range.first) % static_cast<unsigned>(range.bits);
  return range.mask >> position & 1;
}

/// The first fault from `from` on whose address is `address` or larger.
std::size_t first_at(std::span<const Fault> faults, std::size_t from, std::uint64_t address) {
  const auto found = std::lower_bound(
      faults.begin() + static_cast<std::ptrdiff_t>(from), faults.end(), address,
      [](const Fault& fault, std::uint64_t value) { return fault.address < value; });
  return static_cast<std::size_t>(found - faults.begin());
}

}  // namespace

MemoryImage::MemoryImage(const Model& model) {
  for (const WeightTensor& weights : model.weights) {
    check_format(weights.format, weights.name);
    tensors_.push_back({weights.name, weights.format, bits_, weights.codes.size()});
    bits_ += tensors_.back().bits();
    Lookup& lookup = lookups_.emplace_back();
    lookup.reciprocal = ~std::uint64_t{0} / static_cast<std::uint64_t>(weights.format.bits) + 1;
    for (std::size_t word = 0; word < lookup.code.size(); ++word) {
      lookup.code[word] = decode(weights.format, static_cast<std::uint8_t>(word));
    }
  }
  words_.resize(bits_ / 64 + 2);
  std::uint64_t address = 0;
  for (const WeightTensor& weights : model.weights) {
    for (const std::int8_t code : weights.codes) {
      const std::uint64_t word = encode(weights.format, code);
      const int shift = address & 63;
      words_[address >> 6] |= word << shift;
      if (shift + weights.format.bits > 64) words_[(address >> 6) + 1] |= word >> (64 - shift);
      address += static_cast<std::uint64_t>(weights.format.bits);
    }
  }
}

Cell MemoryImage::cell(std::uint64_t address) const {
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

std::uint64_t MemoryImage::address(const Cell& cell) const {
  FLATENN_ASSERT(cell.tensor >= 0 && cell.tensor < static_cast<int>(tensors_.size()));
  const StoredTensor& tensor = tensors_[static_cast<std::size_t>(cell.tensor)];
  FLATENN_ASSERT(cell.element < tensor.elements);
  FLATENN_ASSERT(cell.bit >= 0 && cell.bit < tensor.format.bits);
  return tensor.first_bit + cell.element * static_cast<std::uint64_t>(tensor.format.bits) +
         static_cast<std::uint64_t>(cell.bit);
}

/// The `bits` stored bits from first_bit on; the bits above them are whatever follows.
std::uint8_t MemoryImage::word(std::uint64_t first_bit, int bits) const {
  const std::uint64_t shift = first_bit & 63;
  std::uint64_t word = words_[first_bit >> 6] >> shift;
  if (shift + static_cast<std::uint64_t>(bits) > 64) {
    word |= words_[(first_bit >> 6) + 1] << (64 - shift);
  }
  return static_cast<std::uint8_t>(word);
}

std::int8_t MemoryImage::code(int tensor, std::uint64_t element) const {
  const auto index = static_cast<std::size_t>(tensor);
  return lookups_[index].code[word(address({tensor, element, 0}), tensors_[index].format.bits)];
}

Exposure MemoryImage::expose(std::span<const std::string> patterns) const {
  return flatenn::expose(tensors_, patterns);
}

/// Brings the last write up to date with the bit at `address`, which was just changed. Addresses
/// come ascending; `tensor` is the one of the address before and moves on.
void MemoryImage::write_code(std::uint64_t address, std::size_t& tensor,
                             std::vector<CodeWrite>& writes) const {
  while (address >= tensors_[tensor].first_bit + tensors_[tensor].bits()) ++tensor;
  const StoredTensor& place = tensors_[tensor];
  const Lookup& lookup = lookups_[tensor];
  const std::uint64_t element = upper_half(address - place.first_bit, lookup.reciprocal);
  const std::uint64_t first_bit = place.first_bit + element * place.format.bits;
  const CodeWrite write{static_cast<int>(tensor), static_cast<std::int64_t>(element),
                        lookup.code[word(first_bit, place.format.bits)]};
  if (!writes.empty() && writes.back().element == write.element &&
      writes.back().tensor == write.tensor) {
    writes.back() = write;
  } else {
    writes.push_back(write);
  }
}

void MemoryImage::apply(std::span<const Fault> faults, FaultKind kind, const Exposure& exposure,
                        AppliedFaults& applied) {
  FLATENN_ASSERT(faults.empty() || faults.back().address < bits_);
  applied.faulty_bits = 0;
  applied.changed.clear();
  applied.writes.clear();
  std::size_t tensor = 0;
  std::size_t i = 0;
  for (const Exposure::Range& range : exposure.ranges) {
    if (i < faults.size() && faults[i].address < range.first) i = first_at(faults, i, range.first);
    const bool whole = range.whole();
    for (; i < faults.size() && faults[i].address < range.last; ++i) {
      if (i + kAhead < faults.size()) prefetch(&words_[faults[i + kAhead].address >> 6]);
      const std::uint64_t address = faults[i].address;
      if (!whole && !exposed(range, address)) continue;
      ++applied.faulty_bits;
      if (value_under_fault(kind, bit(address), faults[i].coin) == bit(address)) continue;
      toggle(address);
      applied.changed.push_back(address);
      write_code(address, tensor, applied.writes);
    }
  }
}

void MemoryImage::undo(AppliedFaults& applied) {
  const std::vector<std::uint64_t>& changed = applied.changed;
  std::size_t i = 0;
  for (CodeWrite& write : applied.writes) {
    if (i + kAhead < changed.size()) prefetch(&words_[changed[i + kAhead] >> 6]);
    const StoredTensor& place = tensors_[static_cast<std::size_t>(write.tensor)];
    const auto bits = static_cast<std::uint64_t>(place.format.bits);
    const std::uint64_t first_bit =
        place.first_bit + static_cast<std::uint64_t>(write.element) * bits;
    for (; i < changed.size() && changed[i] < first_bit + bits; ++i) toggle(changed[i]);
    write.code =
        lookups_[static_cast<std::size_t>(write.tensor)].code[word(first_bit, place.format.bits)];
  }
  applied.changed.clear();
}

std::string MemoryImage::hash() const {
  Hasher hasher;
  for (const StoredTensor& tensor : tensors_) {
    hasher.add(fmt::format("{} {} {} {} {}\n", tensor.name, tensor.format.bits,
                           to_string(tensor.format.encoding), tensor.format.saturating,
                           tensor.elements));
  }
  hasher.add(std::as_bytes(std::span(words_)));
  return hasher.hex();
}

}  // namespace flatenn
