// Results as JSON: what `flatenn analyze` writes and the report reads. docs/formats.md lists the
// fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "flatenn/analysis/results.h"

namespace flatenn {

/// {"format": 2, "analysis": {...}}. Numbers that are not finite are null.
nlohmann::ordered_json analysis_json(const Analysis& analysis);
/// The inverse: null is NaN, in an interval's ends infinity. Throws Error naming `where` for text
/// that is not such a document: a format that is not 1 or 2, wrong types, sizes that do not fit
/// each other.
Analysis parse_analysis(std::string_view text, std::string_view where);

/// {"format": 2, "study": {"networks": [...], "correlations": [...], "best": ..., "rankings":
/// [...]}}, and its inverse.
nlohmann::ordered_json study_analysis_json(const StudyAnalysis& study);
StudyAnalysis parse_study_analysis(std::string_view text, std::string_view where);

}  // namespace flatenn
