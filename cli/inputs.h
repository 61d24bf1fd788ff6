// Inputs: models and images as the command line names them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "flatenn/data/dataset.h"
#include "flatenn/graph/model.h"

namespace flatenn::cli {

struct NamedModel {
  std::string label;  ///< the name in the header; the path where names repeat or lack
  std::string path;
  Model model;
};

/// Loads all; throws Error for the first that cannot be.
std::vector<NamedModel> load_models(const std::vector<std::string>& paths);

struct DataOptions {
  std::string dataset;  ///< empty: what the models' headers name
  std::string folder;   ///< empty: where Debian installs it
  std::string split = "test";
};

/// --data, --dataset, --split.
void add_data_options(CLI::App& command, DataOptions& options);

/// Throws Error when the models' headers disagree and no data set is named.
Dataset load_data(const DataOptions& options, const std::vector<NamedModel>& models);

}  // namespace flatenn::cli
