#include "flatenn/report/transient_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

std::string with_interval(const Interval& interval) {
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", interval.mean, interval.lo, interval.hi);
}

nlohmann::json interval_json(const Interval& interval) {
  return {interval.mean, interval.lo, interval.hi};
}

}  // namespace

std::string transient_text(const std::vector<TransientReport>& reports) {
  Table table{{"network", "error", "clean", "accuracy", "changed answers", "worst layer"}, {}};
  for (const TransientReport& report : reports) {
    for (const TransientCell& cell : report.result.cells) {
      const auto worst = std::ranges::max_element(cell.layers, {}, &TransientLayer::changed);
      table.rows.push_back({report.model, fmt::format("{}", cell.error),
                            fmt::format("{:.2f}", report.result.clean),
                            with_interval(cell.accuracy), with_interval(cell.changed),
                            fmt::format("{} {:.1f}", worst->name, worst->changed)});
    }
  }
  std::string text = aligned_text(table);
  if (reports.empty()) return text;
  const TransientReport& first = reports.front();
  const std::string& shape = mask_shape_names()[static_cast<std::size_t>(first.settings.shape)];
  return text + fmt::format(
                    "\nPercent of {} {} images of {}, each struck once in each layer (shape {}{}), "
                    "mean over "
                    "layers with its 95 % t interval over batches of 100 images.\n",
                    first.result.images, first.split, first.dataset, shape,
                    first.settings.clips ? "" : "; activations do not clip");
}

nlohmann::json transient_json(const std::vector<TransientReport>& reports) {
  nlohmann::json models = nlohmann::json::array();
  for (const TransientReport& report : reports) {
    nlohmann::json cells = nlohmann::json::array();
    for (const TransientCell& cell : report.result.cells) {
      nlohmann::json layers = nlohmann::json::array();
      for (const TransientLayer& layer : cell.layers) {
        layers.push_back(
            {{"name", layer.name}, {"accuracy", layer.accuracy}, {"changed", layer.changed}});
      }
      cells.push_back({{"error", cell.error},
                       {"accuracy", interval_json(cell.accuracy)},
                       {"changed", interval_json(cell.changed)},
                       {"layers", layers}});
    }
    models.push_back(
        {{"model", report.model},
         {"dataset", report.dataset},
         {"split", report.split},
         {"images", report.result.images},
         {"shape", mask_shape_names()[static_cast<std::size_t>(report.settings.shape)]},
         {"clips", report.settings.clips},
         {"seed", report.settings.seed},
         {"clean", report.result.clean},
         {"cells", cells}});
  }
  return {{"format", 1}, {"interval", "95 % t, over batches of 100 images"}, {"models", models}};
}

}  // namespace flatenn
