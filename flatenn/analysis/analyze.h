// Analyze: everything that is measured of one network without faults. Needs no torch header.
#pragma once

#include <string>
#include <vector>

#include "flatenn/analysis/bit_sensitivity.h"
#include "flatenn/analysis/results.h"
#include "flatenn/analysis/settings.h"
#include "flatenn/base/events.h"
#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn {

/// The network and the images it is analysed on: the first settings.images of `data`.
struct AnalysisInput {
  std::string label;
  const Model& model;
  const Dataset& data;
  std::string split;  ///< where the data come from
};

/// What bit sensitivity took in the run, seconds of one processor. No part of an Analysis, which
/// does not depend on clocks.
struct SensitivityCost {
  double gradient = 0;         ///< one gradient pass over all images
  double first_order = 0;      ///< that pass, and what it means for every bit
  double subset_gradient = 0;  ///< one gradient pass over the images of curvature
  double second_order = 0;     ///< products with the Hessian on those; 0: not measured
};

struct AnalysisResult {
  Analysis analysis;
  SensitivityCost cost;
  /// Of the mean loss at every stored weight, what analysis.bits is made from; second order only
  /// with settings.trace_samples above 0.
  std::vector<WeightDerivatives> derivatives;
};

/// A pure function of settings and input, whatever the number of threads. Throws Error when there
/// are fewer images than asked or they do not fit the model; Interrupted.
AnalysisResult analyze(const AnalysisSettings& settings, const AnalysisInput& input,
                       const Context& context = default_context());

}  // namespace flatenn
