// Paper figures: the curves of a page as SVG files, made without a browser.
#pragma once

#include <string>
#include <vector>

#include "flatenn/report/page.h"

namespace flatenn {

struct PaperFigure {
  std::string name;  ///< of the file
  std::string svg;
};

/// "accuracy.svg" with all kinds, "accuracy-<kind>.svg" for each where there are several, and
/// "gains.svg" (a study's claims on accuracy) or "differences.svg" (to the first network). Of two
/// stores the files' names begin with "1-" and "2-".
std::vector<PaperFigure> paper_figures(const PageInputs& inputs);

}  // namespace flatenn
