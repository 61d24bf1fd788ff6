// Verdict: the answer of a page in words.
#pragma once

#include <string>
#include <vector>

#include "flatenn/report/page.h"

namespace flatenn {

/// A sentence on top of the page.
struct Verdict {
  std::string mark;  ///< "holds", "fails" or "" for what is neither
  std::string text;
};

/// The answer in words: claims that were judged, who keeps most, what is tolerated.
std::vector<Verdict> verdicts(const PageInputs& inputs);

}  // namespace flatenn
