#include "flatenn/report/page_analyses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

/// Planes are the heaviest data of a page: one a network up to this many.
constexpr std::size_t kMostPlanes = 12;

/// Six significant digits: what a colour or a line shows, in a third of the bytes.
Json short_number(double x) {
  return std::isfinite(x) ? Json(std::stod(fmt::format("{:.6g}", x))) : Json(nullptr);
}

void add_slices(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table({{"network", "network"},
                   {"direction", "direction"},
                   {"position", "position", 3},
                   {"loss", "loss", 4},
                   {"accuracy", "accuracy, %", 2}});
  for (const Analysis* analysis : analyses) {
    const Landscape& landscape = analysis->landscape;
    for (std::size_t d = 0; d < landscape.lines.size(); ++d) {
      for (std::size_t i = 0; i < landscape.line_positions.size(); ++i) {
        const LossPoint& point = landscape.lines[d].at(i);
        table.add({analysis->label, fmt::format("direction {}", d + 1),
                   short_number(landscape.line_positions[i]), short_number(point.loss),
                   short_number(point.accuracy)});
      }
    }
  }
  if (table.empty()) return;
  section.figures.push_back(
      {"slices",
       "lines",
       "Loss along random directions",
       "Each filter of a direction is as long as the filter of the weights; 0 is the network "
       "itself. The narrower the valley, the sharper the minimum.",
       "Loss against the position along a random direction, a line a network.",
       {{"x", "position"},
        {"y", "loss"},
        {"series", "network"},
        {"choose", {"direction"}},
        {"x_name", "position along the direction"},
        {"y_name", "loss"}},
       std::move(table)});
}

void add_planes(const std::vector<const Analysis*>& analyses, PageSection& section) {
  Json surfaces = Json::array();
  std::size_t left_out = 0;
  for (const Analysis* analysis : analyses) {
    const Landscape& landscape = analysis->landscape;
    if (landscape.plane.empty()) continue;
    if (surfaces.size() == kMostPlanes) {
      ++left_out;
      continue;
    }
    Json positions = Json::array(), losses = Json::array();
    for (const double position : landscape.plane_positions) {
      positions.push_back(short_number(position));
    }
    for (const LossPoint& point : landscape.plane) losses.push_back(short_number(point.loss));
    surfaces.push_back({{"name", analysis->label},
                        {"positions", std::move(positions)},
                        {"loss", std::move(losses)}});
  }
  if (surfaces.empty()) return;
  std::string caption =
      "Two random directions, filter by filter as long as the weights; the middle is the network "
      "itself. Colours are on a logarithmic scale.";
  if (left_out > 0) caption += fmt::format(" {} more networks are left out.", left_out);
  section.figures.push_back({"plane",
                             "surface",
                             "Loss over a plane",
                             std::move(caption),
                             "Loss over a plane of two random directions, as a map of colours.",
                             {{"surfaces", std::move(surfaces)}},
                             PageTable()});
}

void add_measures(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table({{"network", "network"},
                   {"loss", "loss", 4},
                   {"accuracy", "accuracy, %", 2},
                   {"measure", "measure"},
                   {"value", "value", 5},
                   {"images", "images", 0}});
  for (const Analysis* analysis : analyses) {
    for (const Measure& measure : measures(*analysis, FaultKind::flip, 0.01)) {
      table.add({analysis->label, analysis->here.loss, analysis->here.accuracy, measure.name,
                 measure.value, analysis->images});
    }
  }
  if (table.empty()) return;
  section.figures.push_back(
      {"measures",
       "bars",
       "Sharpness, one measure at a time",
       "The larger, the sharper. Predicted loss rises are those of flips at "
       "rate 0.01; docs/analysis.md has the formulas.",
       "One bar a network for the chosen measure of sharpness.",
       {{"y", "network"}, {"x", "value"}, {"choose", {"measure"}}, {"x_name", "measure"}},
       std::move(table)});
}

void add_layers(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table({{"network", "network"},
                   {"layer", "layer"},
                   {"elements", "elements", 0},
                   {"zeros", "zero codes, %", 1}});
  for (const Analysis* analysis : analyses) {
    for (const LayerSparsity& layer : analysis->sparsity) {
      table.add({analysis->label, layer.node, layer.elements, short_number(layer.zeros)});
    }
  }
  if (table.empty()) return;
  section.figures.push_back({"layer-sparsity",
                             "bars",
                             "Zero activations, layer by layer",
                             "Share of zero codes over all elements and images.",
                             "One bar a layer for the chosen network.",
                             {{"y", "layer"},
                              {"x", "zeros"},
                              {"choose", {"network"}},
                              {"x_name", "zero codes, %"},
                              {"x_max", 100}},
                             std::move(table)});
}

void add_histograms(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table({{"network", "network"},
                   {"tensor", "tensor"},
                   {"code", "code", 0},
                   {"value", "weight", 4},
                   {"count", "weights", 0}});
  for (const Analysis* analysis : analyses) {
    for (const CodeHistogram& one : analysis->histograms) {
      for (std::size_t i = 0; i < one.counts.size(); ++i) {
        const int code = one.first_code + static_cast<int>(i);
        const double value =
            static_cast<double>(one.scale) * code + static_cast<double>(one.offset);
        table.add({analysis->label, one.tensor, code, short_number(value), one.counts[i]});
      }
    }
  }
  if (table.empty()) return;
  section.figures.push_back({"histograms",
                             "lines",
                             "Stored codes",
                             "How often each code is stored in a weight tensor.",
                             "Count of weights against their code, a line a network.",
                             {{"x", "code"},
                              {"y", "count"},
                              {"series", "network"},
                              {"choose", {"tensor"}},
                              {"x_name", "code"},
                              {"y_name", "weights"}},
                             std::move(table)});
}

void add_margins(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table(
      {{"network", "network"}, {"margin", "margin", 3}, {"share", "share of images below, %", 1}});
  for (const Analysis* analysis : analyses) {
    const Margins& margins = analysis->margins;
    for (std::size_t i = 0; i < margins.quantiles.size(); ++i) {
      table.add({analysis->label, short_number(margins.quantiles[i]),
                 short_number(100 * margins.shares.at(i))});
    }
  }
  if (table.empty()) return;
  section.figures.push_back({"margins",
                             "lines",
                             "Margins",
                             "Logit of the right answer minus the largest other one; below 0 the "
                             "answer is wrong.",
                             "Share of images whose margin lies below a value, a line a network.",
                             {{"x", "margin"},
                              {"y", "share"},
                              {"series", "network"},
                              {"x_name", "margin"},
                              {"y_name", "images below, %"},
                              {"y_max", 100}},
                             std::move(table)});
}

void add_distances(const std::vector<const Analysis*>& analyses, PageSection& section) {
  PageTable table({{"network", "network"}, {"tensor", "tensor"}, {"distance", "distance", 3}});
  for (const Analysis* analysis : analyses) {
    for (const InitialDistance& one : analysis->distances) {
      table.add({analysis->label, one.tensor, short_number(one.relative)});
    }
  }
  if (table.empty()) return;
  section.figures.push_back({"distances",
                             "bars",
                             "Distance from initialisation",
                             "Of each weight tensor, relative to its length before training.",
                             "One bar a tensor for the chosen network.",
                             {{"y", "tensor"},
                              {"x", "distance"},
                              {"choose", {"network"}},
                              {"x_name", "relative distance"}},
                             std::move(table)});
}

}  // namespace

std::vector<const Analysis*> analyses_of(const PageInputs& inputs) {
  std::vector<const Analysis*> all;
  std::set<std::string> seen;
  const auto add = [&](const Analysis& one) {
    if (seen.insert(one.label + '\n' + one.model_hash).second) all.push_back(&one);
  };
  if (inputs.study) {
    // One seed of every arm before the next: where only some are drawn, all arms are among them.
    std::vector<const StudyAnalysis::Network*> networks;
    for (const StudyAnalysis::Network& one : inputs.study->networks) networks.push_back(&one);
    std::ranges::stable_sort(networks, {}, [](const auto* one) { return one->seed; });
    for (const StudyAnalysis::Network* one : networks) add(one->analysis);
  }
  for (const Analysis& one : inputs.analyses) add(one);
  return all;
}

PageSection flatness_section(const PageInputs& inputs) {
  PageSection section{"flatness-section", "How flat the minima are", {}, {}, {}};
  const std::vector<const Analysis*> analyses = analyses_of(inputs);
  if (analyses.empty()) {
    section.missing.push_back(
        "No analysis here. 'flatenn analyze MODEL' measures landscape, sharpness, curvature and "
        "bit "
        "sensitivity; 'flatenn analyze --study RUN' does it for every network of a study.");
    return section;
  }
  add_slices(analyses, section);
  add_planes(analyses, section);
  add_measures(analyses, section);
  add_layers(analyses, section);
  add_margins(analyses, section);
  add_histograms(analyses, section);
  add_distances(analyses, section);
  return section;
}

}  // namespace flatenn
