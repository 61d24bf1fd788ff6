// StoreMerge: several stores as one, for campaigns that were spread over machines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "flatenn/base/events.h"

namespace flatenn {

struct MergeReport {
  std::uint64_t subjects = 0;  ///< in the output afterwards
  std::uint64_t trials = 0;    ///< in the output afterwards
  std::uint64_t added = 0;     ///< trials that the output did not have
};

/// Adds all subjects and trials of `inputs` to `output`, which is made when missing: the union, the
/// same (by its dump) in whatever order and grouping stores are merged and however often. What is
/// not part of a subject's key and differs becomes the least text, the largest float_accuracy and
/// sparsity, so that order does not matter. Rows count as written now.
/// Throws Error, naming both files and the trial, where two stores contradict each other; for no
/// inputs, an input that is the output, a missing or damaged one, another version; Interrupted when
/// stopped. The output is then as before, and not there when it was not.
MergeReport merge_stores(const std::vector<std::filesystem::path>& inputs,
                         const std::filesystem::path& output,
                         const Context& context = default_context());

}  // namespace flatenn
