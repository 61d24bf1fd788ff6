#include "flatenn/study/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/report/curves_svg.h"
#include "flatenn/report/table.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no infinity.
Json number(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }

Json to_json(const ArmResult& arm) {
  return {{"name", arm.name},           {"seed", arm.seed},
          {"metric", arm.metric},       {"clean_float", number(arm.clean_float)},
          {"clean", number(arm.clean)}, {"sparsity", number(arm.sparsity)},
          {"model", arm.model}};
}

Json to_json(const FaultyResult& faulty) {
  const CellSummary& cell = faulty.cell;
  return {{"arm", faulty.arm},
          {"seed", faulty.seed},
          {"kind", to_string(cell.kind)},
          {"rate", cell.rate},
          {"maps", cell.maps},
          {"images", faulty.images},
          {"mean", number(cell.mean)},
          {"sd", number(cell.sd)},
          {"lo", number(cell.lo)},
          {"hi", number(cell.hi)},
          {"bits_changed", number(cell.changed_bits)}};
}

Json to_json(const Claim& claim) {
  return {{"id", claim.id},
          {"metric", claim.metric},
          {"holds", claim.holds},
          {"points", number(claim.points)},
          {"lo", number(claim.lo)},
          {"hi", number(claim.hi)},
          {"kind", to_string(claim.kind)},
          {"rate", claim.rate},
          {"paper_points", claim.paper_points ? Json(*claim.paper_points) : Json(nullptr)}};
}

template <class T>
Json to_json_list(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

std::string points(double x) { return std::isfinite(x) ? fmt::format("{:.2f}", x) : "-"; }
std::string signed_points(double x) { return std::isfinite(x) ? fmt::format("{:+.2f}", x) : "-"; }

/// Bounds of an accuracy: nothing lies beyond 0 and 100.
std::string bounds(const Interval& interval) {
  return fmt::format("{:.2f} to {:.2f}", std::max(0.0, interval.lo), std::min(100.0, interval.hi));
}

std::string arms_text(const StudySummary& summary) {
  Table table{{"arm", "seed", "float %", "clean %", "zeros %"}, {}};
  for (const ArmResult& arm : summary.arms) {
    table.rows.push_back({arm.name, fmt::format("{}", arm.seed), points(arm.clean_float),
                          points(arm.clean), points(arm.sparsity)});
  }
  return "Networks: accuracy as float and quantized without faults, zero activation codes; test "
         "images.\n\n" +
         aligned_text(table);
}

/// Mean over seeds of the results of one arm in one cell.
double mean_changed_bits(const StudySummary& summary, const std::string& arm,
                         const CellAccuracies& cell) {
  Accumulator bits;
  for (const FaultyResult& faulty : summary.faulty) {
    if (faulty.arm == arm && faulty.cell.kind == cell.kind && faulty.cell.rate == cell.rate) {
      bits.add(faulty.cell.changed_bits);
    }
  }
  return bits.mean();
}

std::string faulty_text(const StudySummary& summary) {
  Table table{{"kind", "rate", "arm", "bits changed", "clean %", "faulty %", "95 % interval",
               "maps", "seeds"},
              {}};
  for (const CellAccuracies& cell : summary.cells) {
    for (const ArmAccuracies& arm : cell.arms) {
      const Interval interval = seed_averaged(arm);
      table.rows.push_back(
          {std::string(to_string(cell.kind)), fmt::format("{}", cell.rate), arm.name,
           fmt::format("{:.1f}", mean_changed_bits(summary, arm.name, cell)),
           points(Accumulator(arm.clean).mean()), points(interval.mean), bounds(interval),
           fmt::format("{}", interval.n), fmt::format("{}", arm.faulty.size())});
    }
  }
  const std::uint64_t images = summary.faulty.empty() ? 0 : summary.faulty.front().images;
  return fmt::format(
      "Accuracy under faults on {} test images, averaged over training seeds; t interval over "
      "fault maps.\n\n{}",
      images, aligned_text(table));
}

std::string claims_text(const StudySummary& summary) {
  Table table{{"claim", "compares", "metric", "basis", "points", "lo", "hi", "holds", "paper"}, {}};
  const auto add = [&](Basis basis, std::string_view name) {
    for (const Claim& claim : chosen_claims(summary, basis)) {
      table.rows.push_back({claim.id, claim_sentence(claim.id),
                            claim.metric.empty() ? "-" : claim.metric, std::string(name),
                            signed_points(claim.points), signed_points(claim.lo),
                            signed_points(claim.hi), claim.holds ? "yes" : "no",
                            claim.paper_points ? points(*claim.paper_points) : "-"});
    }
  };
  add(Basis::accuracy, "accuracy");
  add(Basis::drop, "drop");
  const CellAccuracies& cell = summary.cells.at(summary.chosen);
  return fmt::format(
      "Claims at {}, rate {}: the cell where, on the validation split, the plain standard arm "
      "loses "
      "most\nwhile still well above chance. Paired differences in points, averaged over seeds; 95 "
      "% "
      "t interval\nover maps. A claim holds when lo > 0 and every seed has the sign. The paper's "
      "figures are its\n\"up to\", for another set-up.\n\n{}",
      to_string(cell.kind), cell.rate, aligned_text(table));
}

}  // namespace

std::vector<Claim> chosen_claims(const StudySummary& summary, Basis basis) {
  return judge_claims(summary.cells.at(summary.chosen), basis);
}

std::vector<Claim> all_claims(const StudySummary& summary, Basis basis) {
  std::vector<Claim> claims;
  for (const CellAccuracies& cell : summary.cells) {
    for (Claim& claim : judge_claims(cell, basis)) claims.push_back(std::move(claim));
  }
  return claims;
}

std::string study_json(const StudySummary& summary) {
  Json json;
  json["data"] = {{"name", summary.data.name},
                  {"train", summary.data.train_hash},
                  {"test", summary.data.test_hash}};
  json["arms"] = to_json_list(summary.arms);
  json["faulty"] = to_json_list(summary.faulty);
  json["claims"] = to_json_list(chosen_claims(summary, Basis::accuracy));
  json["claims_by_cell"] = to_json_list(all_claims(summary, Basis::accuracy));
  json["claims_on_drop"] = to_json_list(chosen_claims(summary, Basis::drop));
  json["claims_by_cell_on_drop"] = to_json_list(all_claims(summary, Basis::drop));
  return json.dump(2) + "\n";
}

std::string study_text(const StudySummary& summary) {
  return fmt::format(
      "{}\n{}\n{}\nData set {}: hash of the training images {}, of the test images {}.\n",
      arms_text(summary), faulty_text(summary), claims_text(summary), summary.data.name,
      summary.data.train_hash, summary.data.test_hash);
}

std::string arms_csv(const StudySummary& summary) {
  Table table{{"name", "seed", "metric", "clean_float", "clean", "sparsity", "model"}, {}};
  for (const ArmResult& arm : summary.arms) {
    table.rows.push_back({arm.name, fmt::format("{}", arm.seed), arm.metric,
                          fmt::format("{}", arm.clean_float), fmt::format("{}", arm.clean),
                          fmt::format("{}", arm.sparsity), arm.model});
  }
  return csv_text(table);
}

std::string faulty_csv(const StudySummary& summary) {
  Table table{
      {"arm", "seed", "kind", "rate", "maps", "images", "mean", "sd", "lo", "hi", "bits_changed"},
      {}};
  for (const FaultyResult& faulty : summary.faulty) {
    const CellSummary& cell = faulty.cell;
    table.rows.push_back({faulty.arm, fmt::format("{}", faulty.seed),
                          std::string(to_string(cell.kind)), fmt::format("{}", cell.rate),
                          fmt::format("{}", cell.maps), fmt::format("{}", faulty.images),
                          fmt::format("{}", cell.mean), fmt::format("{}", cell.sd),
                          fmt::format("{}", cell.lo), fmt::format("{}", cell.hi),
                          fmt::format("{}", cell.changed_bits)});
  }
  return csv_text(table);
}

std::string claims_csv(const StudySummary& summary) {
  Table table{{"id", "metric", "basis", "kind", "rate", "chosen", "holds", "points", "lo", "hi"},
              {}};
  const CellAccuracies& chosen = summary.cells.at(summary.chosen);
  const auto add = [&](Basis basis, std::string_view name) {
    for (const Claim& claim : all_claims(summary, basis)) {
      const bool here = claim.kind == chosen.kind && claim.rate == chosen.rate;
      table.rows.push_back({claim.id, claim.metric, std::string(name),
                            std::string(to_string(claim.kind)), fmt::format("{}", claim.rate),
                            here ? "true" : "false", claim.holds ? "true" : "false",
                            fmt::format("{}", claim.points), fmt::format("{}", claim.lo),
                            fmt::format("{}", claim.hi)});
    }
  };
  add(Basis::accuracy, "accuracy");
  add(Basis::drop, "drop");
  return csv_text(table);
}

std::string study_svg(const StudySummary& summary) {
  std::vector<CurvePanel> panels;
  for (const CellAccuracies& cell : summary.cells) {
    const std::string title(to_string(cell.kind));
    auto panel = std::ranges::find(panels, title, &CurvePanel::title);
    if (panel == panels.end()) {
      panel = panels.insert(panels.end(), CurvePanel{title, {}});
      for (const ArmAccuracies& arm : cell.arms) {
        panel->curves.push_back({arm.name, Accumulator(arm.clean).mean(), {}});
      }
    }
    if (cell.rate <= 0) continue;  // the axis is logarithmic
    for (std::size_t i = 0; i < cell.arms.size(); ++i) {
      const Interval interval = seed_averaged(cell.arms[i]);
      const double lo = std::max(0.0, interval.lo), hi = std::min(100.0, interval.hi);
      panel->curves[i].points.push_back({cell.rate, interval.mean, lo, hi});
    }
  }
  return curves_svg(panels);
}

}  // namespace flatenn
