// Payoff text: where protections stop paying, for a person and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flatenn/report/payoff.h"

namespace flatenn {

/// A row a protected arm and rate, and payoff_words of each arm.
std::string payoff_text(const std::vector<Payoff>& payoffs);

/// How the figures are made, in a sentence.
std::string payoff_method();

/// [{"arm": ..., "pays_up_to": ..., "rates": [...], "words": ...}, ...]; docs/compare.md lists the
/// fields. What is not known or unbounded is null.
nlohmann::ordered_json payoff_json(const std::vector<Payoff>& payoffs);

}  // namespace flatenn
