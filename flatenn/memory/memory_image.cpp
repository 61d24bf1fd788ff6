#include "flatenn/memory/memory_image.h"

#include <algorithm>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/base/hash.h"
#include "flatenn/memory/bias_codes.h"

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

MemoryImage::MemoryImage(const Model& model, MemoryParts parts)
    : layout_(model, parts),
      stored_bits_(layout_.stored_bits()),
      lookups_(tensors().size()),
      words_(stored_bits_ / 64 + 2) {
  for (std::size_t t = 0; t < tensors().size(); ++t) {
    const CodeFormat& format = tensors()[t].format;
    Lookup& lookup = lookups_[t];
    lookup.reciprocal = ~std::uint64_t{0} / static_cast<std::uint64_t>(format.bits) + 1;
    if (tensors()[t].part != MemoryPart::weights) continue;
    for (std::size_t word = 0; word < lookup.code.size(); ++word) {
      lookup.code[word] = decode(format, static_cast<std::uint8_t>(word));
    }
  }
  store_weights(model);
  if (parts.biases) store_biases(model);
}

void MemoryImage::store_weights(const Model& model) {
  std::uint64_t address = 0;
  for (const WeightTensor& weights : model.weights) {
    for (const std::int8_t code : weights.codes) {
      store(address, encode(weights.format, code), weights.format.bits);
      address += static_cast<std::uint64_t>(weights.format.bits);
    }
  }
}

void MemoryImage::store_biases(const Model& model) {
  for (std::size_t t = 0; t < tensors().size(); ++t) {
    if (tensors()[t].part != MemoryPart::biases) continue;
    const std::vector<float>& addend =
        model.affine[static_cast<std::size_t>(tensors()[t].node)].addend;
    const BiasCodes biases = code_biases(addend);
    lookups_[t].scale = biases.scale;
    std::uint64_t address = tensors()[t].first_bit;
    for (std::size_t c = 0; c < addend.size(); ++c, address += bias_bits) {
      // Otherwise undo would give evaluators other biases than they began with.
      FLATENN_ASSERT(biases.value(biases.codes[c]) == addend[c]);
      store(address, static_cast<std::uint16_t>(biases.codes[c]), bias_bits);
    }
  }
}

/// Precondition: the bits were 0.
void MemoryImage::store(std::uint64_t address, std::uint64_t word, int bits) {
  const int shift = address & 63;
  words_[address >> 6] |= word << shift;
  if (shift + bits > 64) words_[(address >> 6) + 1] |= word >> (64 - shift);
}

/// The `bits` stored bits from first_bit on; the bits above them are whatever follows.
std::uint64_t MemoryImage::word(std::uint64_t first_bit, int bits) const {
  const std::uint64_t shift = first_bit & 63;
  std::uint64_t word = words_[first_bit >> 6] >> shift;
  if (shift + static_cast<std::uint64_t>(bits) > 64) {
    word |= words_[(first_bit >> 6) + 1] << (64 - shift);
  }
  return word;
}

std::uint64_t MemoryImage::stored(std::uint64_t first, int count) const {
  FLATENN_ASSERT(count >= 1 && count <= 64);
  return word(first, count) & ~std::uint64_t{0} >> (64 - count);
}

std::int8_t MemoryImage::code(int tensor, std::uint64_t element) const {
  const std::uint64_t first_bit = address({tensor, element, 0});
  const auto index = static_cast<std::size_t>(tensor);
  FLATENN_ASSERT(tensors()[index].part == MemoryPart::weights);
  const std::uint64_t stored = word(first_bit, tensors()[index].format.bits);
  return lookups_[index].code[static_cast<std::uint8_t>(stored)];
}

float MemoryImage::addend(int tensor, std::uint64_t channel) const {
  const std::uint64_t first_bit = address({tensor, channel, 0});
  const auto index = static_cast<std::size_t>(tensor);
  FLATENN_ASSERT(tensors()[index].part == MemoryPart::biases);
  const BiasCodes biases{lookups_[index].scale, {}};
  return biases.value(static_cast<std::int16_t>(word(first_bit, bias_bits)));
}

/// The element of the tensor that holds the address.
std::uint64_t MemoryImage::element_at(std::uint64_t address, std::size_t tensor) const {
  return upper_half(address - tensors()[tensor].first_bit, lookups_[tensor].reciprocal);
}

/// Brings the last write up to date with the bit at `address`, which was just changed. Addresses
/// come ascending.
void MemoryImage::write_code(std::uint64_t address, std::size_t tensor,
                             std::vector<CodeWrite>& writes) const {
  const StoredTensor& place = tensors()[tensor];
  const std::uint64_t element = element_at(address, tensor);
  const std::uint64_t first_bit =
      place.first_bit + element * static_cast<std::uint64_t>(place.format.bits);
  const auto stored = static_cast<std::uint8_t>(word(first_bit, place.format.bits));
  const CodeWrite write{static_cast<int>(tensor), static_cast<std::int64_t>(element),
                        lookups_[tensor].code[stored]};
  if (!writes.empty() && writes.back().element == write.element &&
      writes.back().tensor == write.tensor) {
    writes.back() = write;
  } else {
    writes.push_back(write);
  }
}

/// The same for a bias.
void MemoryImage::write_addend(std::uint64_t address, std::size_t tensor,
                               std::vector<AddendWrite>& addends) const {
  const std::uint64_t channel = element_at(address, tensor);
  const AddendWrite write{tensors()[tensor].node, static_cast<int>(channel),
                          addend(static_cast<int>(tensor), channel)};
  if (!addends.empty() && addends.back().node == write.node &&
      addends.back().channel == write.channel) {
    addends.back() = write;
  } else {
    addends.push_back(write);
  }
}

/// The number of faults before the end of the range.
template <MemoryPart part>
std::size_t MemoryImage::apply_to_stored(std::span<const Fault> faults, FaultKind kind,
                                         const Exposure::Range& range, std::size_t tensor,
                                         AppliedFaults& applied) {
  const bool whole = range.whole();
  std::size_t i = 0;
  for (; i < faults.size() && faults[i].address < range.last; ++i) {
    if (i + kAhead < faults.size() && faults[i + kAhead].address < stored_bits_) {
      prefetch(&words_[faults[i + kAhead].address >> 6]);
    }
    const std::uint64_t address = faults[i].address;
    if (!whole && !exposed(range, address)) continue;
    ++applied.faulty_bits;
    if (value_read(kind, bit(address), faults[i].coin) == bit(address)) continue;
    toggle(address);
    applied.changed.push_back(address);
    if constexpr (part == MemoryPart::weights) {
      write_code(address, tensor, applied.writes);
    } else {
      write_addend(address, tensor, applied.addends);
    }
  }
  return i;
}

/// The number of faults before the end of the range.
std::size_t MemoryImage::apply_to_buffer(std::span<const Fault> faults, FaultKind kind,
                                         const Exposure::Range& range, std::size_t tensor,
                                         AppliedFaults& applied) const {
  const StoredTensor& place = tensors()[tensor];
  std::vector<BufferFault>& buffers = applied.buffers;
  std::size_t i = 0;
  for (; i < faults.size() && faults[i].address < range.last; ++i) {
    const std::uint64_t address = faults[i].address;
    if (!exposed(range, address)) continue;
    ++applied.faulty_bits;
    const auto element = static_cast<std::int64_t>(element_at(address, tensor));
    if (buffers.empty() || buffers.back().node != place.node || buffers.back().element != element) {
      buffers.push_back({place.node, element});
    }
    const auto bits = static_cast<std::uint64_t>(place.format.bits);
    const std::uint64_t position =
        address - place.first_bit - static_cast<std::uint64_t>(element) * bits;
    const auto mask = static_cast<std::uint8_t>(1u << position);
    BufferFault& fault = buffers.back();
    if (kind != FaultKind::flip) fault.keep &= static_cast<std::uint8_t>(~mask);
    // A flip of what is kept, or the value of what is not.
    if (value_read(kind, false, faults[i].coin)) fault.toggle |= mask;
  }
  return i;
}

void MemoryImage::apply(std::span<const Fault> faults, FaultKind kind, const Exposure& exposure,
                        AppliedFaults& applied) {
  FLATENN_ASSERT(faults.empty() || faults.back().address < bits());
  applied.faulty_bits = 0;
  applied.changed.clear();
  applied.writes.clear();
  applied.addends.clear();
  applied.buffers.clear();
  std::size_t tensor = 0;
  std::size_t i = 0;
  for (const Exposure::Range& range : exposure.ranges) {
    if (i < faults.size() && faults[i].address < range.first) i = first_at(faults, i, range.first);
    while (range.first >= tensors()[tensor].first_bit + tensors()[tensor].bits()) ++tensor;
    const std::span<const Fault> rest = faults.subspan(i);
    switch (tensors()[tensor].part) {
      case MemoryPart::weights:
        i += apply_to_stored<MemoryPart::weights>(rest, kind, range, tensor, applied);
        break;
      case MemoryPart::biases:
        i += apply_to_stored<MemoryPart::biases>(rest, kind, range, tensor, applied);
        break;
      case MemoryPart::activations:
        i += apply_to_buffer(rest, kind, range, tensor, applied);
        break;
    }
  }
  applied.changed_bits = applied.changed.size();
}

/// Toggles the changed bits of one word, from changed[first] on; what comes after them.
std::size_t MemoryImage::restore(const std::vector<std::uint64_t>& changed, std::size_t first,
                                 std::uint64_t first_bit, int bits) {
  const std::uint64_t last_bit = first_bit + static_cast<std::uint64_t>(bits);
  if (first + kAhead < changed.size()) prefetch(&words_[changed[first + kAhead] >> 6]);
  for (; first < changed.size() && changed[first] < last_bit; ++first) toggle(changed[first]);
  return first;
}

void MemoryImage::undo(AppliedFaults& applied) {
  std::size_t i = 0;
  for (CodeWrite& write : applied.writes) {
    const auto tensor = static_cast<std::size_t>(write.tensor);
    const int bits = tensors()[tensor].format.bits;
    const std::uint64_t first_bit =
        tensors()[tensor].first_bit +
        static_cast<std::uint64_t>(write.element) * static_cast<std::uint64_t>(bits);
    i = restore(applied.changed, i, first_bit, bits);
    write.code = lookups_[tensor].code[static_cast<std::uint8_t>(word(first_bit, bits))];
  }
  std::size_t tensor = 0;
  for (AddendWrite& write : applied.addends) {
    while (tensors()[tensor].part != MemoryPart::biases || tensors()[tensor].node != write.node) {
      ++tensor;
    }
    const auto channel = static_cast<std::uint64_t>(write.channel);
    i = restore(applied.changed, i, tensors()[tensor].first_bit + channel * bias_bits, bias_bits);
    write.value = addend(static_cast<int>(tensor), channel);
  }
  FLATENN_ASSERT(i == applied.changed.size());
  applied.changed.clear();
  applied.buffers.clear();
}

std::string MemoryImage::hash() const {
  Hasher hasher;
  for (const StoredTensor& tensor : tensors()) {
    hasher.add(fmt::format("{} {} {} {} {}\n", tensor.name, tensor.format.bits,
                           to_string(tensor.format.encoding), tensor.format.saturating,
                           tensor.elements));
    if (tensor.part != MemoryPart::weights) {
      hasher.add(fmt::format("{} {}\n", to_string(tensor.part), tensor.unsigned_words));
    }
  }
  hasher.add(std::as_bytes(std::span(words_)));
  return hasher.hex();
}

}  // namespace flatenn
