#include "flatenn/memory/protected_memory.h"

#include <algorithm>
#include <bit>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

template <class Faults>
auto first_at(Faults faults, std::uint64_t address) {
  return std::ranges::lower_bound(faults, address, {}, &Fault::address);
}

template <class Faults>
auto between(Faults faults, std::uint64_t first, std::uint64_t last) {
  const auto begin = first_at(faults, first);
  return Faults(begin, std::ranges::lower_bound(begin, faults.end(), last, {}, &Fault::address));
}

/// The mask of the tensor in the exposure; 0 where nothing of it is exposed.
std::uint32_t mask_of(const Exposure& exposure, std::uint64_t first_bit) {
  const auto range = std::ranges::find(exposure.ranges, first_bit, &Exposure::Range::first);
  return range == exposure.ranges.end() ? 0 : range->mask;
}

/// The bits of one word from `value`, repeated `count` times.
std::uint64_t repeated(std::uint64_t value, int bits, std::uint64_t count) {
  std::uint64_t word = 0;
  for (std::uint64_t i = 0; i < count; ++i) word |= value << i * static_cast<unsigned>(bits);
  return word;
}

std::uint64_t low_bits(int count) { return ~std::uint64_t{0} >> (64 - count); }

/// The faults of one kind of cell (data, copies, check bits) of a tensor, word by word.
class Cursor {
 public:
  Cursor(std::span<const Fault> faults, std::uint64_t first, std::uint64_t cells)
      : at_(faults.data()), end_(faults.data() + faults.size()), first_(first), cells_(cells) {}

  static constexpr std::uint64_t none = ~std::uint64_t{0};
  /// The word that the next fault lies in.
  std::uint64_t word() const { return at_ == end_ ? none : (at_->address - first_) / cells_; }
  /// Calls `strike(position in the word, coin)` for the faults of a word.
  template <class Strike>
  void take(std::uint64_t word, Strike&& strike) {
    const std::uint64_t begin = first_ + word * cells_;
    for (; at_ != end_ && at_->address < begin + cells_; ++at_) {
      strike(static_cast<int>(at_->address - begin), at_->coin);
    }
  }

 private:
  const Fault *at_, *end_;
  std::uint64_t first_, cells_;
};

/// The faults of all cells of a tensor.
struct TensorCursor {
  Cursor data, copies, checks;

  TensorCursor(std::span<const Fault> faults, const GuardedTensor& t)
      : data(between(faults, t.first_bit, t.first_bit + t.data_bits()), t.first_bit, t.word_bits()),
        copies(between(faults, t.voted_first, t.voted_first + t.voted_bits()), t.voted_first,
               t.voted_per_word),
        checks(between(faults, t.check_first, t.check_first + t.check_bits()), t.check_first,
               t.checks_per_word) {}

  /// The next word with a fault.
  std::uint64_t word() const { return std::min({data.word(), copies.word(), checks.word()}); }
};

/// One cell of the copies of a word: which copy, and the bit of the word.
struct CopiedBit {
  int copy, bit;
  CopiedBit(int at, int voted, int bits)
      : copy(at / voted % 2), bit(at / (2 * voted) * bits + bits - voted + at % voted) {}
};

}  // namespace

ExposedCells expose_cells(const MemoryLayout& memory, std::span<const std::string> patterns,
                          const Protection& protection) {
  check_protection(protection, memory);
  ExposedCells cells{memory.expose(patterns), {}, 0};
  const CheckCells checks(memory, protection.guard);
  for (const GuardedTensor& tensor : checks.tensors()) {
    const bool whole = mask_of(cells.data, tensor.first_bit) == low_bits(tensor.bits);
    cells.checks.push_back(whole);
    if (whole) cells.bits += tensor.voted_bits() + tensor.check_bits();
  }
  if (protection.placement.protect > 0) {
    for (Exposure::Range& range : cells.data.ranges) {
      range.mask &= (std::uint32_t{1} << (range.bits - protection.placement.protect)) - 1;
    }
    std::erase_if(cells.data.ranges, [](const Exposure::Range& range) { return range.mask == 0; });
    if (cells.data.ranges.empty()) {
      fail("placement and exposed: protect:{} protects every cell that is exposed",
           protection.placement.protect);
    }
  }
  cells.bits += cells.data.bits();
  return cells;
}

/// The errors of one word.
struct ProtectedMemory::Struck {
  std::uint64_t data = 0, copies[2] = {0, 0};  ///< at the bits of the word that they belong to
  std::uint32_t check = 0;
};

/// What a word of one tensor is read with.
struct ProtectedMemory::Port {
  const GuardedTensor& tensor;
  const StoredTensor& stored;
  std::uint64_t zero;                  ///< a word of codes 0
  std::uint64_t voted;                 ///< the bits of a word that are stored three times
  std::span<const CodeBounds> bounds;  ///< of equal parts of the tensor
};

/// How the bits of a word of a buffer are read: as 0, as 1, inverted; others as they are.
struct ProtectedMemory::BufferWord {
  std::uint64_t zeros = 0, ones = 0, inverted = 0;

  /// Of three cells each where `voted` says so, otherwise of the first. A bit that one cell holds
  /// at 0 and another at 1 reads what the third does, as it is.
  static BufferWord read(const BufferWord (&cells)[3], std::uint64_t voted) {
    const auto of = [&](std::uint64_t BufferWord::*field) {
      const std::uint64_t a = cells[0].*field, b = cells[1].*field, c = cells[2].*field;
      return (a & ~voted) | (((a & b) | (a & c) | (b & c)) & voted);
    };
    return {of(&BufferWord::zeros), of(&BufferWord::ones), of(&BufferWord::inverted)};
  }
};

ProtectedMemory::ProtectedMemory(const Model& model, MemoryParts parts,
                                 const Protection& protection,
                                 std::span<const std::string> patterns)
    : image_(model, parts),
      protection_(protection),
      exposed_(expose_cells(image_.layout(), patterns, protection)),
      cells_(image_.layout(), protection.guard),
      everything_(image_.expose_all()) {
  const Guard& guard = protection.guard;
  if (guard.code != WordCodeKind::none) code_ = WordCode(guard.code, guard.word_bits);
  for (const GuardedTensor& tensor : cells_.tensors()) {
    const bool weights = image_.tensors()[tensor.tensor].part == MemoryPart::weights;
    if (!weights || guard.bound == BoundRule::none) {
      bounds_.emplace_back();
      continue;
    }
    const WeightTensor& of = model.weights[tensor.tensor];
    const int channels = guard.channels ? of.shape.front() : 1;
    bounds_.push_back(channel_bounds(of.codes, static_cast<std::size_t>(channels)));
  }
  if (protection.placement.interleave > 1) ranges_ = cells_.word_ranges();
}

void ProtectedMemory::place(std::span<const Fault> faults, std::vector<Fault>& placed) const {
  const Placement& placement = protection_.placement;
  if (placement.skip.any()) {
    skip_columns(placement.skip, cells_.end(), faults, placed);
  } else {
    placed.assign(faults.begin(), faults.end());
  }
  for (const WordRange& range : ranges_) {
    const std::span<Fault> within = between(std::span(placed), range.first, range.last());
    for (Fault& fault : within) {
      fault.address = interleaved_address(range, placement.interleave, fault.address);
    }
    std::ranges::sort(within, {}, &Fault::address);
  }
  if (placement.rotate == 0) return;
  for (const GuardedTensor& tensor : cells_.tensors()) {
    rotate_faults(
        between(std::span(placed), tensor.first_bit, tensor.first_bit + tensor.data_bits()),
        tensor.first_bit, tensor.bits, placement.rotate);
  }
}

void ProtectedMemory::apply(std::span<const Fault> faults, FaultKind kind, AppliedFaults& applied) {
  counts_ = {};
  const Placement& placement = protection_.placement;
  if (placement.interleave > 1 || placement.rotate > 0 || placement.skip.any()) {
    place(faults, placed_);
    faults = placed_;
  }
  if (!protection_.guard.any()) {
    image_.apply(faults, kind, exposed_.data, applied);
    counts_.struck = applied.faulty_bits;
    counts_.changed = counts_.bits_wrong = applied.changed_bits;
    return;
  }
  if (faults.data() != placed_.data()) placed_.assign(faults.begin(), faults.end());
  flips_.clear();
  buffers_.clear();
  for (std::size_t t = 0; t < cells_.tensors().size(); ++t) {
    const StoredTensor& stored = image_.tensors()[cells_.tensors()[t].tensor];
    stored.part == MemoryPart::activations ? read_buffer(t, kind) : read_tensor(t, kind);
  }
  image_.apply(flips_, FaultKind::flip, everything_, applied);
  applied.buffers.assign(buffers_.begin(), buffers_.end());
  counts_.bits_wrong = applied.changed_bits;
  applied.faulty_bits = counts_.struck;
  applied.changed_bits = counts_.changed;
}

/// Reads the words of a tensor that placed_ touches.
void ProtectedMemory::read_tensor(std::size_t index, FaultKind kind) {
  const GuardedTensor& tensor = cells_.tensors()[index];
  const StoredTensor& stored = image_.tensors()[tensor.tensor];
  const int bits = tensor.bits, voted = protection_.guard.voted;
  const bool weights = stored.part == MemoryPart::weights;
  const std::uint64_t zero = weights ? encode(stored.format, 0) : 0;
  const std::uint64_t top = voted == 0 ? 0 : low_bits(voted) << (bits - voted);
  const Port port{tensor, stored, repeated(zero, bits, tensor.codes_per_word),
                  repeated(top, bits, tensor.codes_per_word), bounds_[index]};
  const std::uint32_t mask = mask_of(exposed_.data, tensor.first_bit);
  const bool checks_exposed = exposed_.checks[index];

  TensorCursor cells(placed_, tensor);
  for (;;) {
    const std::uint64_t word = cells.word();
    if (word == Cursor::none) return;
    const std::uint64_t value =
        image_.stored(tensor.first_bit + word * tensor.word_bits(), tensor.used_bits(word));
    /// Whether a struck cell that holds `bit` reads otherwise.
    const auto changes = [&](bool bit, bool coin) {
      ++counts_.struck;
      const bool changed = value_read(kind, bit, coin) != bit;
      counts_.changed += changed;
      return changed;
    };
    Struck errors;
    cells.data.take(word, [&](int at, bool coin) {
      if ((mask >> at % bits & 1) == 0 || !changes(value >> at & 1, coin)) return;
      errors.data |= std::uint64_t{1} << at;
    });
    cells.copies.take(word, [&](int at, bool coin) {
      const CopiedBit cell(at, voted, bits);
      if (!checks_exposed || !changes(value >> cell.bit & 1, coin)) return;
      errors.copies[cell.copy] |= std::uint64_t{1} << cell.bit;
    });
    const std::uint32_t check = kind == FaultKind::flip ? 0 : code_.check(value);
    cells.checks.take(word, [&](int at, bool coin) {
      if (checks_exposed && changes(check >> at & 1, coin)) errors.check |= 1u << at;
    });
    read_word(port, word, errors);
  }
}

/// What the words of a buffer that placed_ touches read goes into buffers_.
void ProtectedMemory::read_buffer(std::size_t index, FaultKind kind) {
  const GuardedTensor& tensor = cells_.tensors()[index];
  const StoredTensor& stored = image_.tensors()[tensor.tensor];
  const int bits = tensor.bits, voted = protection_.guard.voted;
  const std::uint64_t top =
      repeated(voted == 0 ? 0 : low_bits(voted) << (bits - voted), bits, tensor.codes_per_word);
  const std::uint32_t mask = mask_of(exposed_.data, tensor.first_bit);
  const bool checks_exposed = exposed_.checks[index];
  FLATENN_ASSERT(kind == FaultKind::flip || code_.kind() == WordCodeKind::none);

  TensorCursor cells(placed_, tensor);
  for (;;) {
    const std::uint64_t word = cells.word();
    if (word == Cursor::none) return;
    BufferWord bits_of[3];  // the data and its two copies
    const auto strike = [&](BufferWord& struck, int bit, bool coin) {
      ++counts_.struck;
      const std::uint64_t one = std::uint64_t{1} << bit;
      if (kind == FaultKind::flip) {
        struck.inverted |= one;
      } else {
        (value_read(kind, false, coin) ? struck.ones : struck.zeros) |= one;
      }
    };
    cells.data.take(word, [&](int at, bool coin) {
      if (mask >> at % bits & 1) strike(bits_of[0], at, coin);
    });
    cells.copies.take(word, [&](int at, bool coin) {
      const CopiedBit cell(at, voted, bits);
      if (checks_exposed) strike(bits_of[1 + cell.copy], cell.bit, coin);
    });
    std::uint32_t check_errors = 0;
    cells.checks.take(word, [&](int at, bool) {
      counts_.struck += checks_exposed;
      if (checks_exposed) check_errors |= 1u << at;
    });
    BufferWord read = BufferWord::read(bits_of, top);
    read_code(tensor.used_bits(word), check_errors, read);
    for (std::uint64_t c = 0; c < tensor.codes_per_word; ++c) {
      const auto shift = c * static_cast<unsigned>(bits);
      const auto part = [&](std::uint64_t of) {
        return static_cast<std::uint8_t>(of >> shift & low_bits(bits));
      };
      const std::uint8_t constant = part(read.zeros | read.ones);
      const std::uint8_t toggle = part(read.ones | read.inverted);
      if (constant == 0 && toggle == 0) continue;
      const auto element = static_cast<std::int64_t>(word * tensor.codes_per_word + c);
      buffers_.push_back({stored.node, element, static_cast<std::uint8_t>(~constant), toggle});
    }
  }
}

/// What the word code leaves of the errors in a word of `used` bits of a buffer.
void ProtectedMemory::read_code(int used, std::uint32_t check_errors, BufferWord& word) {
  counts_.multiple += std::popcount(word.inverted) + std::popcount(check_errors) > 1;
  const WordCode::Reading reading = code_.read(word.inverted, check_errors, used);
  word.inverted = reading.errors;
  if (reading.verdict == WordCode::Verdict::corrected) ++counts_.corrected;
  if (reading.verdict != WordCode::Verdict::detected) return;
  ++counts_.detected;
  if (protection_.guard.zero) word = {.zeros = low_bits(used)};
}

/// What the word reads otherwise than stored goes into flips_.
void ProtectedMemory::read_word(const Port& port, std::uint64_t word, Struck errors) {
  const std::uint64_t a = errors.data, b = errors.copies[0], c = errors.copies[1];
  std::uint64_t wrong = (a & ~port.voted) | (((a & b) | (a & c) | (b & c)) & port.voted);
  if (wrong == 0 && errors.check == 0) return;
  const int used = port.tensor.used_bits(word);
  const std::uint64_t first = port.tensor.first_bit + word * port.tensor.word_bits();
  const std::uint64_t stored = image_.stored(first, used);
  counts_.multiple += std::popcount(wrong) + std::popcount(errors.check) > 1;
  const WordCode::Reading reading = code_.read(wrong, errors.check, used);
  wrong = reading.errors;
  if (reading.verdict == WordCode::Verdict::corrected) ++counts_.corrected;
  if (reading.verdict == WordCode::Verdict::detected) {
    ++counts_.detected;
    if (protection_.guard.zero) wrong = (stored ^ port.zero) & low_bits(used);
  }
  wrong = bound(port, word, stored, wrong);
  for (; wrong != 0; wrong &= wrong - 1) {
    flips_.push_back({first + static_cast<unsigned>(std::countr_zero(wrong)), false});
  }
}

/// The errors that a bound leaves. Codes without errors are within it.
std::uint64_t ProtectedMemory::bound(const Port& port, std::uint64_t word, std::uint64_t stored,
                                     std::uint64_t errors) {
  const BoundRule rule = protection_.guard.bound;
  if (rule == BoundRule::none || port.stored.part != MemoryPart::weights) return errors;
  const int bits = port.tensor.bits;
  const CodeFormat& format = port.stored.format;
  const std::uint64_t of_one_bound = port.tensor.elements / port.bounds.size();
  std::uint64_t element = word * port.tensor.codes_per_word;
  for (int at = 0; at < port.tensor.used_bits(word); at += bits, ++element) {
    const std::uint64_t code_bits = low_bits(bits) << at;
    if ((errors & code_bits) == 0) continue;
    const std::int8_t code = decode(format, static_cast<std::uint8_t>((stored ^ errors) >> at));
    const std::int8_t read = bounded(rule, port.bounds[element / of_one_bound], code);
    if (read == code) continue;
    ++counts_.bounded;
    const std::uint64_t now = std::uint64_t{encode(format, read)} << at;
    errors = (errors & ~code_bits) | ((stored ^ now) & code_bits);
  }
  return errors;
}

}  // namespace flatenn
