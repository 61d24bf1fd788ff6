// Analyze: everything that is measured of one network without faults. Needs no torch header.
#pragma once

#include <functional>
#include <string>

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

/// A pure function of settings and input, whatever the number of threads. Throws Error when there
/// are fewer images than asked or they do not fit the model; Interrupted.
Analysis analyze(const AnalysisSettings& settings, const AnalysisInput& input,
                 const Context& context = default_context());

/// Derivatives of the mean loss at every stored weight, as analyze() takes them for the sensitivity
/// of bits; second order only with settings.trace_samples above 0.
std::vector<WeightDerivatives> weight_derivatives(const AnalysisSettings& settings,
                                                  const AnalysisInput& input,
                                                  const Context& context = default_context());

}  // namespace flatenn
