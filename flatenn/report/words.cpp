#include "flatenn/report/words.h"

#include <fmt/format.h>

#include <cmath>

namespace flatenn {

std::string kind_words(FaultKind kind) {
  switch (kind) {
    case FaultKind::flip:
      return "flipped bits";
    case FaultKind::stuck0:
      return "bits stuck at 0";
    case FaultKind::stuck1:
      return "bits stuck at 1";
    case FaultKind::stuck:
      return "bits stuck at 0 or 1";
  }
  return std::string(to_string(kind));
}

std::string rate_words(double rate) { return fmt::format("{:.4g}\u00a0%", 100 * rate); }

std::string accuracy_words(double mean, double lo, double hi) {
  return fmt::format("{:.1f}\u00a0% [{:.1f}, {:.1f}]", mean, lo, hi);
}

std::string points_words(double points, double lo, double hi) {
  if (!std::isfinite(lo) || !std::isfinite(hi)) {
    return fmt::format("{:+.1f} points, interval unknown", points);
  }
  return fmt::format("{:+.1f} points [{:.1f}, {:.1f}]", points, lo, hi);
}

std::string difference_words(const std::string& first, const std::string& second) {
  const auto bracketed = [](const std::string& name) {
    return name.find(" + ") == name.npos ? name : "(" + name + ")";
  };
  return fmt::format("{} \u2212 {}", bracketed(first), bracketed(second));
}

std::string count_words(std::size_t count, const std::string& one, const std::string& many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace flatenn
