// TransientText: what errors in layers' sums did to answers, for a person and for a program.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "flatenn/analysis/transient.h"

namespace flatenn {

/// One network's result with what it was measured on.
struct TransientReport {
  std::string model;  ///< label
  std::string dataset, split;
  TransientSettings settings;
  TransientResult result;
};

/// A row a network and size of error: accuracy and changed answers over all layers, and the layer
/// whose errors change most.
std::string transient_text(const std::vector<TransientReport>& reports);

/// {"format": 1, "models": [{"model", "clean", "cells": [{"error", "accuracy", "changed",
/// "layers": [...]}]}]}, intervals as [mean, lo, hi].
nlohmann::json transient_json(const std::vector<TransientReport>& reports);

}  // namespace flatenn
