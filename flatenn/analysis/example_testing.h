// For tests here and of reports: an analysis that could have been measured.
#pragma once

#include <string>

#include "flatenn/analysis/results.h"

namespace flatenn {

/// Everything filled, every figure a function of `curvature`.
inline Analysis example_analysis(const std::string& label, double curvature) {
  Analysis a;
  a.label = label;
  a.model_hash = "m-" + label;
  a.dataset = "synthetic";
  a.split = "test";
  a.data_hash = "d";
  a.settings = "{}";
  a.images = 200;
  a.curvature_images = 100;
  a.here = {0.25, 90};
  a.landscape.line_positions = {-1, -0.5, 0, 0.5, 1};
  a.landscape.plane_positions = {-1, 0, 1};
  for (int line = 0; line < 2; ++line) {
    std::vector<LossPoint>& points = a.landscape.lines.emplace_back();
    for (const double x : a.landscape.line_positions) {
      points.push_back({0.25 + curvature * x * x, 90 - 10 * x * x});
    }
  }
  for (const double y : a.landscape.plane_positions) {
    for (const double x : a.landscape.plane_positions) {
      a.landscape.plane.push_back({0.25 + curvature * (x * x + y * y), 90 - 10 * (x * x + y * y)});
    }
  }
  a.sharpness = {{"weight", 0.1, 0.1, curvature / 10}, {"code", 0.02, 0.4, curvature / 5}};
  a.flatness = {
      0.5, {curvature / 4, 0.1, curvature / 5, curvature / 3, 10}, 0.003, 5, curvature / 100};
  a.curvature = {"double backward",
                 {curvature, curvature / 2},
                 {0.01, 0.02},
                 {10 * curvature, 1, 9 * curvature, 11 * curvature, 32},
                 3};
  for (const char* tensor : {"conv.weight", "fc.weight"}) {
    for (int bit = 0; bit < 4; ++bit) {
      const double effect = curvature * 1e-4 * (1 << (2 * bit));
      a.bits.push_back({tensor,
                        bit,
                        50,
                        {{FaultKind::flip, 1, effect, effect, effect / 2},
                         {FaultKind::stuck0, 0.25, effect / 4, effect / 4, effect / 8},
                         {FaultKind::stuck1, 0.75, effect / 2, effect / 2, effect / 4}}});
    }
  }
  a.sparsity = {{"act1", 10, 80}, {"act2", 30, 50}};
  a.histograms = {{"conv.weight", -8, {0, 1, 2, 3, 4, 5, 6, 8, 6, 5, 4, 3, 2, 1, 0, 0}, 0.1f, 0}};
  a.margins = {{0, 0.5, 1}, {-2, 3, 9}, 3.5};
  a.distances = {{"conv.weight", 0.9}, {"fc.weight", 0.4}};
  return a;
}

}  // namespace flatenn
