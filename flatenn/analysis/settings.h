// Settings of an analysis: what to measure of one network, and how finely.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flatenn/config/bind.h"

namespace flatenn {

/// How the Hessian is applied to a vector.
enum class CurvatureMethod {
  automatic,        ///< double backward up to a million weights, differences beyond
  double_backward,  ///< exact, in double precision
  differences,      ///< (g(w + r v) - g(w - r v)) / 2r, r |v| a thousandth of |w|
};

struct AnalysisSettings {
  std::uint64_t images = 2000;  ///< the first n; 0: all
  std::uint64_t seed = 0;       ///< of directions and random vectors

  int lines = 3;          ///< random directions, one by one
  int line_points = 51;   ///< odd
  int plane_points = 51;  ///< a side, odd; 0: no plane
  double extent = 1;      ///< positions from -extent to extent, in filter-normalised directions

  double weight_radius = 0.1;  ///< of the step of ascent in each metric; 0: not measured
  double adaptive_radius = 0.5;
  double code_radius = 0.02;

  double average_radius = 0.5;  ///< of balls relative to each layer's norm
  int draws = 10;
  double worst_radius = 0.003;
  int restarts = 5;
  int steps = 20;

  int curvature_images = 1000;  ///< the first n of the images
  int eigenvalues = 3;
  int trace_samples = 32;
  CurvatureMethod curvature_method = CurvatureMethod::automatic;

  /// Does not belong to what the results depend on.
  int threads = 0;  ///< 0: all processors
};
void bind(Binder& binder, AnalysisSettings& settings);

/// Throws Error for even numbers of points.
void check_settings(const AnalysisSettings& settings);

/// What results depend on, as JSON: without `threads`.
std::string analysis_settings_text(AnalysisSettings settings);

}  // namespace flatenn
