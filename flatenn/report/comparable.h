// Comparable: which arms can be compared on equal terms, in which cell, on which fault maps.
//
// Equal terms are the same images and the same fault maps for all: whoever met other faults, or
// was not measured in the cell, is left out and named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flatenn/report/arms.h"
#include "flatenn/report/study_claims.h"

namespace flatenn {

/// One kind of fault at one rate.
struct FaultCell {
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  auto operator<=>(const FaultCell&) const = default;
};

/// "flip at rate 0.05".
std::string to_string(const FaultCell& cell);

/// The cell that a study's claims are stated in; none without claims.
std::optional<FaultCell> chosen_cell(const std::vector<StudyClaim>& claims);

/// What is asked for; what is not said is chosen.
struct CellWish {
  std::optional<FaultKind> kind;
  std::optional<double> rate;  ///< met by a measured rate that prints the same
};

struct Comparable {
  FaultCell cell;
  std::string cell_reason;          ///< why this one, in words
  std::vector<std::size_t> arms;    ///< indices, ascending; two at least unless there is a problem
  std::vector<std::uint64_t> maps;  ///< that all of them met, ascending
  std::vector<std::string> notes;   ///< who is left out, and why
  std::string problem;              ///< why there is nothing to compare, one line; empty: there is
};

/// The cell is the `chosen` one where it is what is wished and two arms have it; else, of the cells
/// that most arms have, the first kind and its highest rate. Of the arms, as many as have fault
/// maps in common. `baseline`, an index, is among them in any case.
Comparable find_comparable(const std::vector<Arm>& arms, const CellWish& wish = {},
                           const std::optional<FaultCell>& chosen = {},
                           const std::optional<std::size_t>& baseline = {});

}  // namespace flatenn
