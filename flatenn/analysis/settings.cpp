#include "flatenn/analysis/settings.h"

#include "flatenn/base/error.h"

namespace flatenn {

void bind(Binder& b, AnalysisSettings& s) {
  b.value("images", s.images, "the first so many images; 0: all");
  b.value("seed", s.seed, "of directions and random vectors");
  b.value("lines", s.lines, "random directions, one by one", between(0, 1000));
  b.value("line_points", s.line_points, "points a line, odd", between(1, 100001));
  b.value("plane_points", s.plane_points, "points a side of the plane, odd; 0: no plane",
          between(0, 1001));
  b.value("extent", s.extent, "how far lines and plane reach", between(1e-6, 1e3));
  b.value("weight_radius", s.weight_radius, "of ascent in the weight metric; 0: none", at_least(0));
  b.value("adaptive_radius", s.adaptive_radius, "of ascent in the adaptive metric; 0: none",
          at_least(0));
  b.value("code_radius", s.code_radius, "of ascent in the code metric; 0: none", at_least(0));
  b.value("average_radius", s.average_radius, "of balls, relative to each layer's norm",
          at_least(0));
  b.value("draws", s.draws, "random points on those balls", between(0, 100000));
  b.value("worst_radius", s.worst_radius, "of the balls that ascents search", at_least(0));
  b.value("restarts", s.restarts, "ascents", between(0, 100000));
  b.value("steps", s.steps, "of an ascent", between(1, 100000));
  b.value("curvature_images", s.curvature_images, "images for curvature, of the first; 0: all",
          at_least(0));
  b.value("eigenvalues", s.eigenvalues, "of the Hessian, by magnitude", between(0, 100));
  b.value("trace_samples", s.trace_samples, "random vectors for trace and diagonal; 0: none",
          between(0, 100000));
  b.choice("curvature_method", s.curvature_method, {"automatic", "double_backward", "differences"},
           "how the Hessian is applied");
  b.value("threads", s.threads, "0: all processors", between(0, 1024));
}

void check_settings(const AnalysisSettings& settings) {
  const auto check_odd = [](std::string_view key, int points) {
    if (points != 0 && points % 2 == 0) {
      fail("{}: {} points; an odd number is needed, so that the network itself is one", key,
           points);
    }
  };
  check_odd("line_points", settings.line_points);
  check_odd("plane_points", settings.plane_points);
}

std::string analysis_settings_text(AnalysisSettings settings) {
  settings.threads = 0;
  return config_json([&](Binder& b) { bind(b, settings); });
}

}  // namespace flatenn
