#include "flatenn/report/variance.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

struct Totals {
  std::vector<std::uint64_t> maps;    ///< images right, one a map
  std::vector<std::uint64_t> images;  ///< maps right, one an image
};

void add(const Trial& trial, std::uint64_t images, Totals& totals) {
  totals.images.resize(images, 0);
  totals.maps.push_back(trial.correct);
  for (std::uint64_t i = 0; i < images; ++i) {
    totals.images[i] += trial.right[i / 8] >> (i % 8) & 1;
  }
}

std::string points(double variance) { return fmt::format("{:.2f}", 100 * std::sqrt(variance)); }

}  // namespace

std::vector<CellVariance> split_cells(const Store& store) {
  std::vector<CellVariance> cells;
  for (const Subject& subject : store.subjects()) {
    std::map<std::pair<FaultKind, double>, Totals> by_cell;
    store.visit_trials(subject.key(), Answers::load, [&](const Trial& trial) {
      if (!trial.right.empty()) add(trial, subject.images, by_cell[{trial.kind, trial.rate}]);
    });
    for (const auto& [key, totals] : by_cell) {
      if (totals.maps.size() < 2 || subject.images < 2) continue;
      cells.push_back({subject.label, subject.exposure, key.first, key.second, totals.maps.size(),
                       subject.images, split_variance(totals.maps, totals.images)});
    }
  }
  return cells;
}

std::string variance_text(const std::vector<CellVariance>& cells) {
  Table table{{"network", "exposed", "kind", "rate", "maps", "images", "accuracy %", "map sd",
               "image sd", "interaction sd", "sd of mean", "of it maps %"},
              {}};
  for (const CellVariance& cell : cells) {
    const VarianceSplit& split = cell.split;
    const double of_maps =
        split.of_mean > 0 ? 100 * split.map / static_cast<double>(cell.maps) / split.of_mean : 0;
    table.rows.push_back({cell.label, cell.exposure.empty() ? "all" : cell.exposure,
                          std::string(to_string(cell.kind)), fmt::format("{:g}", cell.rate),
                          fmt::format("{}", cell.maps), fmt::format("{}", cell.images),
                          fmt::format("{:.2f}", 100 * split.mean),
                          points(split.map) + (split.map_clipped ? "*" : ""),
                          points(split.image) + (split.image_clipped ? "*" : ""),
                          points(split.interaction), points(split.of_mean),
                          fmt::format("{:.0f}", of_maps)});
  }
  return aligned_text(table) +
         "\nStandard deviations in points (two-way random effects, docs/statistics.md): between "
         "fault maps, between images, and what a map does to single images; last, of the mean as "
         "an estimate for all maps and all images, and the share of fault maps in its variance.\n"
         "* the estimate was negative and is set to 0\n";
}

nlohmann::json variance_json(const std::vector<CellVariance>& cells) {
  nlohmann::json all = nlohmann::json::array();
  for (const CellVariance& cell : cells) {
    all.push_back({{"label", cell.label},
                   {"exposure", cell.exposure},
                   {"kind", to_string(cell.kind)},
                   {"rate", cell.rate},
                   {"maps", cell.maps},
                   {"images", cell.images},
                   {"mean", cell.split.mean},
                   {"map", cell.split.map},
                   {"image", cell.split.image},
                   {"interaction", cell.split.interaction},
                   {"of_mean", cell.split.of_mean}});
  }
  return all;
}

}  // namespace flatenn
