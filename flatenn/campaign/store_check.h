// StoreCheck: whether what a store says can be true.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "flatenn/campaign/store.h"

namespace flatenn {

/// What cannot be of a subject, as a few words; "" when nothing is wrong.
std::string subject_problem(const Subject& subject);
/// What no campaign could have measured of this subject; "" when nothing is wrong.
std::string trial_problem(const Subject& subject, const Trial& trial);

struct StoreReport {
  std::uint64_t subjects = 0;
  std::uint64_t trials = 0;
  std::uint64_t per_image = 0;  ///< trials with per-image results
  /// One line each: what is wrong and where. Empty for a sound store; at most
  /// kMaxStoreProblems, `more` counts the others.
  std::vector<std::string> problems;
  std::uint64_t more = 0;
};
constexpr std::size_t kMaxStoreProblems = 100;

/// Reads all of a store and says what cannot be: pages that do not hold together, tables other than
/// this version's, trials without a subject, keys that are not their subject's, counts that
/// contradict each other, per-image results that do not add up. Nothing is written. Throws Error
/// where there is no store of this version to check.
StoreReport check_store(const std::filesystem::path& path);

}  // namespace flatenn
