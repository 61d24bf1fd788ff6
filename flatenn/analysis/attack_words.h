// AttackWords: the stored words of a network's weights under chosen flips, and the choice of the
// next ones from derivatives.
//
// Addresses are those of MemoryLayout over the weights alone. The words are those of the codec, so
// a bit is worth what flipping it does to the code that is read, in every encoding.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "flatenn/base/random.h"
#include "flatenn/graph/model.h"
#include "flatenn/memory/exposure.h"
#include "flatenn/memory/layout.h"

namespace flatenn {

/// A bit that may be flipped next.
struct BitCandidate {
  std::uint64_t address = 0;
  double gain = 0;  ///< loss rise in first order, above 0
  bool operator==(const BitCandidate&) const = default;
};

class AttackWords {
 public:
  /// Keeps copies. Precondition: the exposure is one of MemoryLayout(model).
  AttackWords(const Model& model, const Exposure& exposure);

  std::size_t tensors() const { return tensors_.size(); }
  /// Bits of the exposed positions of one tensor's words; 0: nothing of it is exposed.
  std::uint32_t mask(std::size_t tensor) const { return tensors_[tensor].mask; }
  std::size_t elements(std::size_t tensor) const { return tensors_[tensor].stored.size(); }
  /// Half the number of codes that a tensor's format can tell apart.
  int half_range(std::size_t tensor) const { return 1 << (tensors_[tensor].format.bits - 1); }
  Cell cell(std::uint64_t address) const { return layout_.cell(address); }

  /// Inverts the stored bit. Flipping again undoes it.
  void flip(std::uint64_t address);
  /// What the weight reads now, and what it reads without flips.
  int code(std::size_t tensor, std::uint64_t element) const;
  int stored_code(std::size_t tensor, std::uint64_t element) const;
  /// By how much flipping the bit now changes the code that is read; 0 for minus zero and for words
  /// that saturate.
  int change(std::uint64_t address) const;

  /// Of one tensor's exposed bits that are not flipped yet, the `count` whose flip raises the loss
  /// most in first order, by more than 0; largest first, equal ones by address. `gradient`: the
  /// derivative of the loss by each weight at the present words. O(weights) for small counts.
  std::vector<BitCandidate> best_bits(std::size_t tensor, std::span<const float> gradient,
                                      std::size_t count) const;

  /// The projection of Stutz et al. (TPAMI 2022): real-valued weights rounded to codes, of which
  /// the `budget` that moved furthest from the words without flips keep one flip each, the others
  /// none. `moves`: by how much each weight moved, in half ranges; a list a tensor, empty where
  /// nothing is exposed. The flip is that of the most significant exposed bit that differs and
  /// moves the code to the same side. Distances are in half ranges, rounded first, so that tensors
  /// of any width compare; equal ones by the unrounded move, then by address. Ascending addresses.
  /// O(weights) for small budgets. Flips made do not matter.
  std::vector<std::uint64_t> project(std::span<const std::vector<float>> moves,
                                     std::size_t budget) const;

 private:
  struct Tensor {
    CodeFormat format;
    float scale = 1;
    std::uint64_t first_bit = 0;
    std::uint32_t mask = 0;
    std::array<std::int8_t, 256> codes;  ///< of each word
    std::vector<std::uint8_t> stored, words;
  };
  /// The bit to flip in a weight that moved by `move` half ranges, and how far its code moved.
  struct Move {
    std::uint64_t address = 0;
    float codes = 0, move = 0;  ///< distances in half ranges: of the rounded code, of the weight
  };
  static std::optional<Move> move_of(const Tensor& tensor, std::size_t element, float move);

  MemoryLayout layout_;
  std::vector<Tensor> tensors_;
};

/// Exposed cells in random order, without repetition: Fisher and Yates's shuffle, of which only
/// what was asked for is kept.
class RandomCells {
 public:
  /// Precondition: the exposure outlives it.
  RandomCells(const Exposure& exposure, RandomStream stream);

  /// The next address; nothing when every exposed cell was given.
  std::optional<std::uint64_t> next();

 private:
  const Exposure& exposure_;
  RandomStream stream_;
  std::uint64_t bits_ = 0, given_ = 0;
  std::map<std::uint64_t, std::uint64_t> moved_;  ///< places of the shuffle that were swapped
};

/// The address of exposed cell number `index`, ascending. Precondition: index < exposure.bits().
std::uint64_t exposed_cell(const Exposure& exposure, std::uint64_t index);

}  // namespace flatenn
