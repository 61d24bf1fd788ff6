// Choice: the one cell (kind, rate) at which the claims are stated.
//
// The rule, fixed before any claim is looked at and blind to all arms but one: on the validation
// split, with fault maps of its own, take the cell where the reference arm (plain training, not
// sparse, no variant; the first arm where there is none) loses most of its own clean accuracy while
// it stays `margin` points above chance. Where it stays above nowhere, take the cell where it loses
// least. Equal losses: the first cell.
#pragma once

#include <cstddef>
#include <span>

#include "flatenn/study/claims.h"

namespace flatenn {

/// Index of the reference arm. Precondition: not empty.
std::size_t reference_arm(std::span<const ArmAccuracies> arms);

/// Index of the chosen cell. `chance` in percent, `margin` in points. Precondition: not empty.
std::size_t choose_cell(std::span<const CellAccuracies> cells, double chance, double margin);

}  // namespace flatenn
