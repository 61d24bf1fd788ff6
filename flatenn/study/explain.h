// Explain: why the arms of a study differ. Every network is analysed without faults, and the
// figures are set against what faults cost it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "flatenn/analysis/results.h"
#include "flatenn/analysis/settings.h"
#include "flatenn/base/events.h"

namespace flatenn {

struct ExplainSettings {
  AnalysisSettings analysis;
  /// Fault maps of the campaign that exposes each layer, and each bit position, alone; 0: none.
  std::uint64_t sweep_maps = 20;
  double sweep_rate = 0.05;  ///< flips among the exposed cells
};

/// Analyses the networks of the finished study in `folder` on its test images, as many side by side
/// as there are processors, and leaves there
///   arms/<arm>-seed<k>/analysis.json   kept and used again while model and settings are the same
///   sweeps.db                          trials layer by layer and bit by bit, first seed of each
///   arm analysis.json, analysis.txt        the test of the explanation
/// Throws Error when the study is not finished or its models are not those of its store.
StudyAnalysis explain_study(const ExplainSettings& settings, const std::filesystem::path& folder,
                            const Context& context = default_context());

}  // namespace flatenn
