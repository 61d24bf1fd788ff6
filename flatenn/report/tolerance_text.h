// ToleranceText: what a search for the tolerable fault rate found, for a person and for a program.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "flatenn/analysis/tolerance.h"
#include "flatenn/analysis/voltage.h"

namespace flatenn {

/// Answers with what they were asked under.
struct ToleranceReport {
  ToleranceSettings settings;
  std::size_t rates = 0;              ///< searched among
  std::uint64_t max_maps = 0;         ///< at a rate
  std::vector<ModelTolerance> found;  ///< not empty
  std::optional<VoltageTable> table;
  std::string table_name;
};

/// A row a network and kind, and how to read it.
std::string tolerance_text(const ToleranceReport& report);

/// {"format": 1, "loss", ..., "models": [{"model", ..., "kinds": [{"kind", "rate", "lo", "hi",
/// ...}]}]}; docs/formats.md lists the fields.
nlohmann::json tolerance_json(const ToleranceReport& report);

}  // namespace flatenn
