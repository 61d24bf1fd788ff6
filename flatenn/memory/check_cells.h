// CheckCells: where the cells lie that a guard adds to a memory.
//
// They follow all cells of the memory, whose addresses stay what they were: first the copies of
// voted bits, then check bits, each in the order of the tensors they belong to. A code has two
// copies of its K voted bits, one behind the other, least significant first; a word has its check
// bits in the order of WordCode::check.
#pragma once

#include <cstdint>
#include <vector>

#include "flatenn/memory/guard.h"
#include "flatenn/memory/layout.h"
#include "flatenn/memory/placement.h"

namespace flatenn {

/// One guarded tensor and its check cells.
struct GuardedTensor {
  std::size_t tensor = 0;  ///< index in MemoryLayout::tensors()
  std::uint64_t first_bit = 0;
  std::uint64_t elements = 0;
  int bits = 1;                       ///< of a code
  std::uint64_t codes_per_word = 1;   ///< of the word code; 1 without one
  std::uint64_t words = 0;            ///< the last one may be shorter
  std::uint64_t voted_first = 0;      ///< address of the first copy
  std::uint64_t voted_per_word = 0;   ///< copies, in cells; of a whole word
  std::uint64_t check_first = 0;      ///< address of the first check bit
  std::uint64_t checks_per_word = 0;  ///< check bits

  std::uint64_t word_bits() const { return codes_per_word * static_cast<std::uint64_t>(bits); }
  std::uint64_t data_bits() const { return elements * static_cast<std::uint64_t>(bits); }
  std::uint64_t voted_bits() const { return elements * (voted_per_word / codes_per_word); }
  std::uint64_t check_bits() const { return words * checks_per_word; }
  /// Data bits of a word: fewer in a shorter last one.
  int used_bits(std::uint64_t word) const {
    const std::uint64_t left = elements - word * codes_per_word;
    return static_cast<int>(left < codes_per_word ? left : codes_per_word) * bits;
  }
};

class CheckCells {
 public:
  /// Guards the tensors of the memory's exposed parts. Precondition: check_protection accepts.
  CheckCells(const MemoryLayout& memory, const Guard& guard);

  const std::vector<GuardedTensor>& tensors() const { return tensors_; }
  /// One past the last check cell: the memory and its check cells.
  std::uint64_t end() const { return end_; }

  /// The neighbouring words of equal size that a placement may interleave, ascending: data, copies
  /// and check bits of every tensor. Words that are cut short at the end of a tensor stay.
  std::vector<WordRange> word_ranges() const;

 private:
  std::vector<GuardedTensor> tensors_;
  std::uint64_t end_ = 0;
};

}  // namespace flatenn
