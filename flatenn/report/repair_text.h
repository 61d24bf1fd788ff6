// RepairText: what recalibration gave back, for a person and for a program.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "flatenn/analysis/repair.h"

namespace flatenn {

/// One network's result with what it was measured on.
struct RepairReport {
  std::string model;  ///< label
  std::string dataset, split, calibration_split;
  std::uint64_t calibration_images = 0, images = 0;
  RepairResult result;
};

/// A row a network, kind and rate: accuracy under faults without and with recalibration, and their
/// paired difference.
std::string repair_text(const std::vector<RepairReport>& reports);

/// {"format": 1, "models": [{"model", "clean", "clean_recalibrated", "cells": [{"kind", "rate",
/// "faulty", "repaired", "gain", "lo", "hi"}], ...}]}; accuracies a map, in the order of maps.
nlohmann::json repair_json(const std::vector<RepairReport>& reports);

}  // namespace flatenn
