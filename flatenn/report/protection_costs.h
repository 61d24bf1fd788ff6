// What protects the memory of a stored subject, and what it costs, for tables and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "flatenn/campaign/store.h"
#include "flatenn/memory/protection.h"

namespace flatenn {

/// What the memory of the exposed parts costs, with the subject's protection or without one;
/// nothing where the layout is not known. Throws Error as protection_line.
std::optional<ProtectionCost> stored_cost(const Subject& subject);

/// The same subject without its protection: its cells are the first of the protected memory and
/// meet the same faults. Without a layout the counts of bits stay. Throws Error as protection_line.
Subject unprotected_subject(Subject subject);

/// "protection secded:64: 62208 bits beside 497664 (12.50 %), throughput 88.89 %\n"; "" without
/// one. Throws Error when the subject's texts contradict each other.
std::string protection_line(const Subject& subject);

/// {"text", "data_bits", "check_bits", "metadata_bits", "skipped_bits", "hardened_bits",
/// "overhead_percent", "throughput_percent"}; null without a protection. Throws Error as
/// protection_line.
nlohmann::ordered_json protection_json(const Subject& subject);

}  // namespace flatenn
