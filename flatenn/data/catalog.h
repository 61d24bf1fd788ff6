// The datasets that FlatENN knows by name: facts only. docs/datasets.md tells the same in prose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

enum class DatasetFormat { idx, cifar10, cifar100, synthetic };

struct DatasetFacts {
  std::string name;
  DatasetFormat format = DatasetFormat::idx;
  std::vector<std::string> class_names;
  /// Mean and standard deviation of all training pixels, as fractions of 255.
  double mean = 0, deviation = 1;
  /// Debian package that installs the files, and the folder they land in. Empty: none does.
  std::string package, package_folder;
  /// Where the files come from otherwise.
  std::string origin;
};

const std::vector<DatasetFacts>& dataset_catalog();

/// Throws Error with the closest known name, or all of them when none is close.
const DatasetFacts& dataset_facts(std::string_view name);

}  // namespace flatenn
