#include "flatenn/memory/headroom.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

int largest_magnitude(const WeightTensor& weights) {
  int largest = 0;
  for (const std::int8_t code : weights.codes) largest = std::max(largest, std::abs(code));
  return largest;
}

}  // namespace

double headroom(const WeightTensor& weights) {
  const int largest = largest_magnitude(weights);
  if (largest == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(weights.format.max_code()) / largest;
}

Model with_headroom(const Model& model, double target) {
  if (!(target >= 1 && target <= 64)) fail("headroom: {} is outside [1, 64]", target);
  Model wider = model;
  if (target == 1) return wider;  // also where the most negative code has no positive counterpart
  for (WeightTensor& weights : wider.weights) {
    const double factor = target / headroom(weights);
    if (!(factor > 1)) continue;
    for (std::int8_t& code : weights.codes) {
      code = static_cast<std::int8_t>(std::nearbyint(code / factor));
    }
    weights.scale = static_cast<float>(weights.scale * factor);
    for (float& value : wider.affine[static_cast<std::size_t>(weights.node)].multiplier) {
      value = static_cast<float>(value * factor);
    }
  }
  return wider;
}

}  // namespace flatenn
