// AttackText: what attacks on networks found, for a person and for a program.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "flatenn/analysis/attack.h"

namespace flatenn {

/// A table a network, a row a budget and method, and how to read it. Precondition: not empty.
std::string attack_text(const std::vector<AttackResult>& results);

/// {"format": 1, "models": [...]}; docs/formats.md lists the fields.
nlohmann::ordered_json attack_json(const std::vector<AttackResult>& results);

}  // namespace flatenn
