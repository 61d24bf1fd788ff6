#include "flatenn/report/svg.h"

#include <array>
#include <cmath>

namespace flatenn {
namespace {

constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#e69f00", "#56b4e9", "#8c6d31"};

/// Light and dark readers see the same picture on their own ground.
constexpr const char* kStyle =
    "<style>text{font:12px sans-serif;fill:#333}.title{font-weight:bold}"
    ".grid{stroke:#8884;stroke-width:1}.frame{fill:none;stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>\n";

}  // namespace

std::string svg_escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

const char* svg_colour(std::size_t index) { return kColours[index % kColours.size()]; }

std::size_t svg_round(std::size_t index) { return index / kColours.size(); }

const char* svg_style() { return kStyle; }

double svg_step(double span, int steps) {
  const double rough = span / steps;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double digit : {5, 2, 1}) {
    if (digit * power >= rough) step = digit * power;
  }
  return step;
}

}  // namespace flatenn
