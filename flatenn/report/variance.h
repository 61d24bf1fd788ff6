// Variance: would more fault maps or more images sharpen a figure? From per-image results.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "flatenn/campaign/store.h"
#include "flatenn/stats/variance_split.h"

namespace flatenn {

/// One network under one kind of fault at one rate, whose trials have recorded every image.
struct CellVariance {
  std::string label;
  std::string exposure;
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  std::uint64_t maps = 0;  ///< with per-image results
  std::uint64_t images = 0;
  VarianceSplit split;
};

/// All cells of the store with at least two such trials and two images. Memory: O(images + maps) a
/// cell.
std::vector<CellVariance> split_cells(const Store& store);

/// Standard deviations in points, and what the mean's own comes from.
std::string variance_text(const std::vector<CellVariance>& cells);
/// [{"label", "exposure", "kind", "rate", "maps", "images", "mean", "map", ...}]: variances of one
/// outcome, which is 0 or 1.
nlohmann::json variance_json(const std::vector<CellVariance>& cells);

}  // namespace flatenn
