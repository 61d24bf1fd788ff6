// Page: one self-contained HTML file that says what stores, a study and analyses found.
//
// Everything is in the file: data as one JSON document, scripts, styles. It asks nothing of the
// network and opens from disk. A section whose data is not there says which command supplies it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flatenn/analysis/results.h"
#include "flatenn/report/arms.h"
#include "flatenn/report/page_figure.h"
#include "flatenn/report/study_claims.h"

namespace flatenn {

/// One store on a page.
struct PageStore {
  std::string name;  ///< tells it from the other one
  std::vector<Arm> arms;
};

/// What a page is made from.
struct PageInputs {
  std::string title;
  std::vector<PageStore> stores;       ///< one, or two side by side; the first is compared to
  std::vector<StudyClaim> claims;      ///< of the study that the store belongs to; empty: none
  std::vector<Analysis> analyses;      ///< of single networks
  std::optional<StudyAnalysis> study;  ///< of a whole study
  std::string settings;                ///< resolved, as text; empty: not known
};

/// The parts of the page in their order.
std::vector<PageSection> page_sections(const PageInputs& inputs);

/// The file. Text from labels and settings is escaped, whatever it holds.
std::string page_html(const PageInputs& inputs);

}  // namespace flatenn
