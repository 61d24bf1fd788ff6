// What protects the memory of a stored subject, and what it costs, for tables and JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "flatenn/campaign/store.h"

namespace flatenn {

/// "protection secded:64: 62208 bits beside 497664 (12.50 %), throughput 88.89 %\n"; "" without
/// one. Throws Error when the subject's texts contradict each other.
std::string protection_line(const Subject& subject);

/// {"text", "data_bits", "check_bits", "metadata_bits", "skipped_bits", "hardened_bits",
/// "overhead_percent", "throughput_percent"}; null without a protection. Throws Error as
/// protection_line.
nlohmann::ordered_json protection_json(const Subject& subject);

/// Stored beside the data, percent of it; 0 without a protection. Throws Error as protection_line.
double overhead_percent(const Subject& subject);

}  // namespace flatenn
