// Page sources: from files to what a page is made from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flatenn/report/page.h"

namespace flatenn {

struct PageSourceOptions {
  MapRange maps;
  std::vector<std::string> labels;              ///< these networks or arms alone; empty: all
  std::vector<std::filesystem::path> analyses;  ///< files of 'flatenn analyze', besides those found
  double critical_points = kCriticalPoints;     ///< a single bit that costs more is critical
};

/// From a store, or from the folder of a study: its store, what its trainings took (logs below
/// arms/), what it judged, its settings and the analyses in it (analysis.json, and below arms/ and
/// analysis/). Throws Error for files that are not what their names say.
PageInputs read_page(const std::filesystem::path& store_or_folder,
                     const PageSourceOptions& options = {});

/// The store and what the study judged, without settings and analyses.
PageInputs read_run(const std::filesystem::path& store_or_folder,
                    const PageSourceOptions& options = {});

/// The stores of two files or folders side by side; claims and analyses belong to one study and are
/// left out.
PageInputs read_comparison(const std::filesystem::path& a, const std::filesystem::path& b,
                           const PageSourceOptions& options = {});

}  // namespace flatenn
