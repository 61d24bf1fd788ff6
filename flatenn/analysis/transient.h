// Transient: what an error in the sums of one layer does to the answers of a deployed network.
//
// A strike on the processing elements, not on the memory: a patch of one layer's accumulated sums
// is multiplied by an error, before scale, shift, clipping and rounding (the fault model of
// train/injection.h). What counts is how many answers change, right or wrong before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/base/events.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"
#include "flatenn/stats/interval.h"
#include "flatenn/train/settings.h"

namespace flatenn {

struct TransientSettings {
  std::vector<double> errors = {3, 10, 100, 10000};  ///< factors; each strike has either sign
  MaskShape shape = MaskShape::line;
  /// Activations clip to their codes. Without, codes grow as they must, with and without an error:
  /// what a plain ReLU would pass on.
  bool clips = true;
  std::uint64_t images = 0;  ///< the first n; 0: all
  std::uint64_t seed = 0;
};

struct TransientLayer {
  std::string name;
  double accuracy = 0, changed = 0;  ///< percent of the images
};

/// One size of error. Every image is struck once in each layer.
struct TransientCell {
  double error = 0;
  Interval accuracy, changed;  ///< percent, mean over layers; 95 % t over batches of 100 images
  std::vector<TransientLayer> layers;
};

struct TransientResult {
  std::uint64_t images = 0;
  double clean = 0;  ///< percent
  std::vector<TransientCell> cells;
};

/// The same masks and signs for every size of error and every network of these layers. Throws Error
/// for no or non-finite errors, and for fewer than 200 images (two batches); Interrupted.
TransientResult measure_transient(const TransientSettings& settings, const Model& model,
                                  const Dataset& data, const Context& context = default_context());

}  // namespace flatenn
