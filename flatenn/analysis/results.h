// Results: what an analysis found of one network, and of a study. Plain values; results_json.h
// writes and reads them.
//
// Losses are mean cross entropies, accuracies percent, over the images that Analysis names. What
// moves are the dequantized weights that inference uses; activations stay quantized.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flatenn/memory/fault_map.h"
#include "flatenn/stats/interval.h"

namespace flatenn {

/// The network with its weights at one place.
struct LossPoint {
  double loss = 0;
  double accuracy = 0;
  bool operator==(const LossPoint&) const = default;
};

/// Loss along random directions, each filter of a direction as long as the filter of the weights
/// (Li et al., NeurIPS 2018). Positions are multiples of the direction, 0 the network itself.
struct Landscape {
  std::vector<double> line_positions;
  std::vector<std::vector<LossPoint>> lines;  ///< [direction][position]
  std::vector<double> plane_positions;
  /// [position along the second direction][position along the first], row-major.
  std::vector<LossPoint> plane;
};

/// L(w + e) - L(w) after one step of ascent e = e(gradient, metric, radius) (SAM, ICLR 2021).
struct Sharpness {
  std::string metric;   ///< "weight", "adaptive" or "code"
  double radius = 0;    ///< in the metric's unit, as in training
  double distance = 0;  ///< |e|, in weights
  double rise = 0;
};

/// Flatness in balls relative to each layer, |z_l| <= radius |w_l| (Stutz et al., ICCV 2021).
struct Flatness {
  double average_radius = 0;
  Interval average;  ///< of L(w + z) - L(w) over random z on the balls' surface; t interval
  double worst_radius = 0;
  std::uint64_t restarts = 0;
  double worst = 0;  ///< largest L(w + z) - L(w) that projected ascent found: a lower bound
};

/// The Hessian at the dequantized weights, rounding errors of activations held where they are.
struct Curvature {
  std::string method;               ///< "double backward" or "differences of gradients"
  std::vector<double> eigenvalues;  ///< largest magnitude first; deflated power iteration
  std::vector<double> residuals;    ///< |H v - lambda v| / |lambda| of each
  Interval trace;                   ///< Hutchinson's estimate with its t interval
  double weight_norm = 0;           ///< |w|; eigenvalue * |w|^2 does not change with the scale
};

/// What faults in the cells of one bit position of one tensor do to the loss, by its derivatives:
/// a cell whose fault moves its weight by d adds g d to the loss in first order and h d^2 / 2 in
/// second. Means over the cells. Top bits leave the range where that holds: believe their rank
/// rather than their size.
struct BitSensitivity {
  std::string tensor;
  int bit = 0;  ///< 0 = least significant
  std::uint64_t cells = 0;
  struct OfKind {
    FaultKind kind = FaultKind::flip;
    double changed = 0;          ///< share of the cells whose fault changes a bit
    double first = 0;            ///< mean of g d
    double first_magnitude = 0;  ///< mean of |g d|
    double second = 0;           ///< mean of h d^2 / 2; 0 where not measured
  };
  std::vector<OfKind> kinds;  ///< flip, stuck0, stuck1
};

/// Zero codes of one activation node over all its elements and images, percent.
struct LayerSparsity {
  std::string node;
  std::uint64_t elements = 0;  ///< an image
  double zeros = 0;
};

/// How often each code is stored: counts[i] of code first_code + i, value scale * code + offset.
struct CodeHistogram {
  std::string tensor;
  int first_code = 0;
  std::vector<std::uint64_t> counts;
  float scale = 1, offset = 0;
};

/// Logit of the label minus the largest other one: below 0 the answer is wrong.
struct Margins {
  std::vector<double> shares;     ///< of the images, ascending
  std::vector<double> quantiles;  ///< margin that this share of the images stays below
  double mean = 0;
};

/// |w - w_0| / |w_0| of one weight tensor, w_0 its values before training.
struct InitialDistance {
  std::string tensor;
  double relative = 0;
};

struct Analysis {
  std::string label;
  std::string model_hash;
  std::string dataset, split;
  std::string data_hash;  ///< of the images used
  std::string settings;   ///< resolved, JSON text: the rest is a function of it
  std::uint64_t images = 0;
  std::uint64_t curvature_images =
      0;           ///< the first so many of them, for Curvature and second order
  LossPoint here;  ///< no weight moved
  Landscape landscape;
  std::vector<Sharpness> sharpness;
  Flatness flatness;
  Curvature curvature;
  std::vector<BitSensitivity> bits;  ///< in memory order
  std::vector<LayerSparsity> sparsity;
  std::vector<CodeHistogram> histograms;
  Margins margins;
  std::vector<InitialDistance> distances;  ///< empty where the recipe is unknown
};

/// Mean of c^2 over all stored codes c: the square of the signal in quantizer spacings. An error of
/// so many spacings is drowned by large codes (docs/defences.md). Offsets do not count; NaN without
/// codes.
double mean_square_code(const std::vector<CodeHistogram>& histograms);

/// The loss rise that the derivatives predict for faults of one kind at a rate: rate times the sum
/// over all cells of first and, where measured, second order.
double predicted_rise(const Analysis& analysis, FaultKind kind, double rate);

/// One figure of an analysis that could foretell what faults cost: the larger, the sharper.
struct Measure {
  std::string name;  ///< "top eigenvalue", "trace", "SAM sharpness (code)", ...
  double value = 0;
};
/// All that the analysis holds, always in the same order. `kind` and `rate` matter to the predicted
/// loss rise alone.
std::vector<Measure> measures(const Analysis& analysis, FaultKind kind, double rate);

/// Rank correlation (Spearman) of one measure with the points of accuracy lost in one cell.
struct Correlation {
  std::string measure;
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  Interval all;     ///< over all networks; n networks
  Interval within;  ///< mean over training seeds of the correlation among that seed's networks; n
                    ///< seeds
  double p = 1;     ///< of no association within seeds, by permutation, not adjusted
};

/// How well predicted loss rises rank the parts of one network, against a campaign that exposed
/// each part alone.
struct Ranking {
  std::string label;  ///< of the network
  std::string of;     ///< "layers" or "bits"
  FaultKind kind = FaultKind::flip;
  double rate = 0;
  struct Part {
    std::string name;
    double predicted = 0;  ///< loss rise
    double measured = 0;   ///< points of accuracy lost, mean over maps
  };
  std::vector<Part> parts;
  Interval correlation;  ///< Spearman; n parts
};

struct StudyAnalysis {
  struct Network {
    std::string arm;
    std::uint64_t seed = 0;
    Analysis analysis;
  };
  std::vector<Network> networks;
  std::vector<Correlation> correlations;  ///< measure by measure, cell by cell
  /// The measure with the largest mean correlation (Correlation::all) over the cells, and that.
  std::string best;
  double best_mean = 0;
  std::vector<Ranking> rankings;
};

}  // namespace flatenn
