// SVG: what all pictures share. Plain SVG 1.1 without scripts or fonts of its own; text and axes
// follow the reader's light or dark colour scheme.
#pragma once

#include <cstddef>
#include <string>

namespace flatenn {

/// For text and attributes.
std::string svg_escape(const std::string& text);

/// Colours of Okabe and Ito, told apart by colour-blind readers. They repeat; dashes or shapes tell
/// further names apart: svg_round is how often they have.
const char* svg_colour(std::size_t index);
std::size_t svg_round(std::size_t index);

/// The <style> element: classes "title", "grid" and "frame".
const char* svg_style();

/// 1, 2 or 5 times a power of ten, so that about `steps` of them make `span`. Precondition: both
/// above 0.
double svg_step(double span, int steps = 5);

}  // namespace flatenn
