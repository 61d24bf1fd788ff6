// Comparison text: a comparison for a person, as CSV and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flatenn/report/comparison.h"

namespace flatenn {

/// Cell, maps, images and what is exposed: "flip at rate 0.05 (the study's chosen cell), 10 fault
/// maps that all arms met, 2000 images of ...".
std::string comparison_terms(const Comparison& comparison);

/// How intervals, p values and fronts are made: a sentence each.
std::vector<std::string> comparison_methods(const Comparison& comparison);

/// "saq \u2212 plain".
std::string pair_name(const ComparedPair& pair);

/// "on the front", "beaten", "not known".
std::string standing_words(Standing standing);

/// The arms, the differences, the fronts, where protections stop paying, what is left out.
std::string comparison_text(const Comparison& comparison);

/// A row a pair, with the cell, the counts and the figures of both arms.
std::string compared_pairs_csv(const Comparison& comparison);
/// A row an arm, with where it stands.
std::string compared_arms_csv(const Comparison& comparison);

/// {"format": 1, "method": [...], "kind": ..., "arms": [...], "pairs": [...], "fronts": [...],
/// "payoff": [...], "notes": [...]}; docs/compare.md lists the fields. What is not known or
/// unbounded is null.
nlohmann::ordered_json comparison_json(const Comparison& comparison);

}  // namespace flatenn
