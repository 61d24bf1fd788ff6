// Variance split: do fault maps differ, do images differ, or do maps hit different images?
#pragma once

#include <cstdint>
#include <span>

namespace flatenn {

/// A matrix of right (1) or wrong (0), one row a fault map, one column an image, seen as
///
///     y_mi = mean + a_m + b_i + c_mi,   variances map, image, interaction,
///
/// all three random and independent of each other. With one outcome a cell, the interaction
/// cannot be told from what would change in a repetition; an evaluator without noise has none.
struct VarianceSplit {
  double mean = 0;  ///< mean accuracy, 0 to 1

  /// Components of the variance of one cell, by expected mean squares:
  /// interaction = MS_c, map = (MS_a - MS_c) / images, image = (MS_b - MS_c) / maps,
  /// unbiased before clipping. A negative one (chance, where the truth is near 0) is clipped to 0
  /// and marked.
  double map = 0, image = 0, interaction = 0;
  bool map_clipped = false, image_clipped = false;

  /// Variance over fault maps of the accuracy on THESE images: map + interaction / images = MS_a /
  /// images before clipping. Its second part is no property of the maps; more images make it
  /// vanish.
  double accuracy_over_maps = 0;
  double share_of_maps = 0;  ///< map / accuracy_over_maps; NaN when all maps are equal

  /// Variance of the mean accuracy as an estimate for all maps and all images: map / maps + image /
  /// images + interaction / (maps * images). Says whether more maps or more images would help.
  double of_mean = 0;
};

/// Splits by two-way random effects without replication (Searle, Casella and McCulloch, Variance
/// Components, 1992, chapter 4; an outcome being 0 or 1, its square is itself, and the totals
/// are enough): row_totals[m] = images right under map m, column_totals[i] = maps under which image
/// i is right. The sums are exact integers.
/// Throws Error unless there are at least two maps and two images, fewer than 2^31 of either, no
/// total exceeds what it counts, both sum to the same, and the residual sum of squares, a count, is
/// not negative.
VarianceSplit split_variance(std::span<const std::uint64_t> row_totals,
                             std::span<const std::uint64_t> column_totals);

}  // namespace flatenn
