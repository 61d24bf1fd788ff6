// ProtectedMemory: a MemoryImage whose codes are placed and read as a Protection says.
//
// Faults strike cells; placement tells whose bits these are; the guard looks at each touched word
// once, and what it reads otherwise than stored is applied to the image as flips. So reading costs
// O(faults), and undoing is that of the image: exact. Of activation buffers, which hold nothing
// between images, it tells how the read port turns written bits into read ones.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/memory/check_cells.h"
#include "flatenn/memory/memory_image.h"
#include "flatenn/memory/protection.h"

namespace flatenn {

/// The cells of a protected memory in which faults take effect.
struct ExposedCells {
  Exposure data;             ///< of the codes; what a placement protects is left out
  std::vector<bool> checks;  ///< one a tensor of CheckCells: whether its check cells are exposed
  std::uint64_t bits = 0;    ///< of both
};

/// As MemoryLayout::expose. The check cells of a tensor are exposed where all of its cells are: a
/// pattern with bit positions means these bits alone. Throws Error as check_protection and expose
/// do, and when a placement protects everything that the patterns expose.
ExposedCells expose_cells(const MemoryLayout& memory, std::span<const std::string> patterns,
                          const Protection& protection);

/// What the guard met when a map was last applied. Words are those of the word code.
struct GuardCounts {
  std::uint64_t struck = 0;      ///< exposed faulty cells: AppliedFaults::faulty_bits
  std::uint64_t changed = 0;     ///< of these, cells that read otherwise: changed_bits
  std::uint64_t corrected = 0;   ///< words with errors, of which the code says that it mended them
  std::uint64_t detected = 0;    ///< words known to be wrong
  std::uint64_t multiple = 0;    ///< words with two or more errors, check bits included
  std::uint64_t bounded = 0;     ///< weights read as the bound says
  std::uint64_t bits_wrong = 0;  ///< bits of weights and biases read otherwise than stored, at last
  bool operator==(const GuardCounts&) const = default;
};

class ProtectedMemory {
 public:
  /// `model` has its headroom already. Throws Error as expose_cells. Preconditions: those of
  /// MemoryImage.
  ProtectedMemory(const Model& model, MemoryParts parts, const Protection& protection,
                  std::span<const std::string> patterns);

  const MemoryImage& image() const { return image_; }
  const ExposedCells& exposed() const { return exposed_; }
  /// All cells, check cells and skipped ones included: what fault maps are drawn for
  /// (protected_cells).
  std::uint64_t bits() const {
    return cells_with_skipped(protection_.placement.skip, cells_.end());
  }

  /// Strikes the exposed ones among the cells of `faults` (ascending, below bits()) and reads.
  /// `applied` counts struck cells, and holds what is read otherwise than stored; of buffers, what
  /// their words read whatever is written. Precondition: check_kind accepts. O(faults), but
  /// for sorting what a placement moves; allocates nothing once vectors have grown.
  void apply(std::span<const Fault> faults, FaultKind kind, AppliedFaults& applied);
  /// As MemoryImage::undo.
  void undo(AppliedFaults& applied) { image_.undo(applied); }

  /// Of the last apply.
  const GuardCounts& counts() const { return counts_; }

  /// The faults at the addresses of the bits that their cells hold; check cells behind them. Those
  /// of cells that hold nothing are left out.
  void place(std::span<const Fault> faults, std::vector<Fault>& placed) const;

 private:
  struct Struck;
  struct Port;
  struct BufferWord;

  void read_tensor(std::size_t index, FaultKind kind);
  void read_buffer(std::size_t index, FaultKind kind);
  void read_code(int used, std::uint32_t check_errors, BufferWord& word);
  void read_word(const Port& port, std::uint64_t word, Struck errors);
  std::uint64_t bound(const Port& port, std::uint64_t word, std::uint64_t stored,
                      std::uint64_t errors);

  MemoryImage image_;
  Protection protection_;
  ExposedCells exposed_;
  CheckCells cells_;
  WordCode code_;
  Exposure everything_;                          ///< of the image
  std::vector<std::vector<CodeBounds>> bounds_;  ///< of guarded tensors, one or one a channel
  std::vector<WordRange> ranges_;                ///< what the placement interleaves
  std::vector<Fault> placed_, flips_;
  std::vector<BufferFault> buffers_;
  GuardCounts counts_;
};

}  // namespace flatenn
