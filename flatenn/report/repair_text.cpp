#include "flatenn/report/repair_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/report/table.h"

namespace flatenn {
namespace {

std::string with_interval(const Interval& interval) {
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", interval.mean, interval.lo, interval.hi);
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

std::string repair_text(const std::vector<RepairReport>& reports) {
  Table table{{"network", "kind", "rate", "maps", "clean", "recalibrated clean", "faulty",
               "recalibrated", "gain"},
              {}};
  for (const RepairReport& report : reports) {
    for (const RepairCell& cell : report.result.cells) {
      table.rows.push_back({report.model, std::string(to_string(cell.kind)),
                            fmt::format("{}", cell.rate), fmt::format("{}", cell.faulty.size()),
                            fmt::format("{:.2f}", report.result.clean),
                            fmt::format("{:.2f}", report.result.clean_recalibrated),
                            with_interval(t_interval(cell.faulty)),
                            with_interval(t_interval(cell.repaired)), with_interval(cell.gain)});
    }
  }
  std::string text = aligned_text(table);
  if (reports.empty()) return text;
  const RepairReport& first = reports.front();
  return text +
         fmt::format(
             "\nAccuracy in percent on {} {} images of {}, mean over fault maps with its 95 % t "
             "interval; gain: paired by map.\nRecalibrated: a multiplier and an addend a channel "
             "set anew from {} {} images without labels.\n",
             first.images, first.split, first.dataset, first.calibration_images,
             first.calibration_split);
}

nlohmann::json repair_json(const std::vector<RepairReport>& reports) {
  nlohmann::json models = nlohmann::json::array();
  for (const RepairReport& report : reports) {
    nlohmann::json cells = nlohmann::json::array();
    for (const RepairCell& cell : report.result.cells) {
      cells.push_back({{"kind", to_string(cell.kind)},
                       {"rate", cell.rate},
                       {"faulty", cell.faulty},
                       {"repaired", cell.repaired},
                       {"gain", number(cell.gain.mean)},
                       {"lo", number(cell.gain.lo)},
                       {"hi", number(cell.gain.hi)}});
    }
    models.push_back({{"model", report.model},
                      {"dataset", report.dataset},
                      {"split", report.split},
                      {"images", report.images},
                      {"calibration_split", report.calibration_split},
                      {"calibration_images", report.calibration_images},
                      {"clean", report.result.clean},
                      {"clean_recalibrated", report.result.clean_recalibrated},
                      {"cells", cells}});
  }
  return {{"format", 1}, {"interval", "95 % t, over fault maps, paired"}, {"models", models}};
}

}  // namespace flatenn
