// AnalysisText: analyses for a person at a terminal, and as CSV.
#pragma once

#include <string>
#include <vector>

#include "flatenn/analysis/analyze.h"
#include "flatenn/analysis/results.h"

namespace flatenn {

/// A table of measures, a column a network, then each network's bits by layer and position.
std::string analysis_text(const std::vector<Analysis>& analyses);

/// What bit sensitivity took, in gradient passes over the same images; one line.
std::string cost_text(const Analysis& analysis, const SensitivityCost& cost);

/// Rows "label,measure,value": every measure, layer sparsity and distance from initialisation.
std::string analysis_csv(const std::vector<Analysis>& analyses);

/// Which measure foretells the loss of accuracy, cell by cell, and how well bit sensitivity ranks
/// layers and bit positions.
std::string study_analysis_text(const StudyAnalysis& study);

}  // namespace flatenn
