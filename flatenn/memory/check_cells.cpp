#include "flatenn/memory/check_cells.h"

namespace flatenn {

CheckCells::CheckCells(const MemoryLayout& memory, const Guard& guard) : end_(memory.bits()) {
  const auto voted = static_cast<std::uint64_t>(guard.voted);
  for (std::size_t t = 0; t < memory.tensors().size(); ++t) {
    const StoredTensor& stored = memory.tensors()[t];
    if (!memory.parts().has(stored.part)) continue;
    GuardedTensor tensor{t, stored.first_bit, stored.elements, stored.format.bits};
    if (guard.code != WordCodeKind::none) {
      tensor.codes_per_word = static_cast<std::uint64_t>(guard.word_bits / stored.format.bits);
      const WordCode code(guard.code, guard.word_bits);
      tensor.checks_per_word = static_cast<std::uint64_t>(code.check_bits());
    }
    tensor.words = (tensor.elements + tensor.codes_per_word - 1) / tensor.codes_per_word;
    tensor.voted_per_word = 2 * voted * tensor.codes_per_word;
    tensor.voted_first = end_;
    end_ += tensor.voted_bits();
    tensors_.push_back(tensor);
  }
  for (GuardedTensor& tensor : tensors_) {
    tensor.check_first = end_;
    end_ += tensor.check_bits();
  }
}

std::vector<WordRange> CheckCells::word_ranges() const {
  std::vector<WordRange> ranges;
  const auto whole = [](const GuardedTensor& t) { return t.elements / t.codes_per_word; };
  for (const GuardedTensor& t : tensors_) {
    ranges.push_back({t.first_bit, t.word_bits(), whole(t)});
  }
  for (const GuardedTensor& t : tensors_) {
    if (t.voted_per_word > 0) ranges.push_back({t.voted_first, t.voted_per_word, whole(t)});
  }
  for (const GuardedTensor& t : tensors_) {
    if (t.checks_per_word > 0) ranges.push_back({t.check_first, t.checks_per_word, t.words});
  }
  return ranges;
}

}  // namespace flatenn
