#include "flatenn/report/claim_figures.h"

#include <fmt/format.h>

#include "flatenn/report/words.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

const char* basis(const StudyClaim& claim) { return claim.on_drop ? "drop" : "accuracy"; }

PageFigure chosen_table(const std::vector<StudyClaim>& claims) {
  PageTable table({{"claim", "claim"},
                   {"statement", "says"},
                   {"difference", "compares"},
                   {"basis", "basis"},
                   {"points", "points", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"holds", "holds"}});
  std::string cell;
  for (const StudyClaim& one : claims) {
    if (!one.chosen) continue;
    cell = fmt::format("{} at rate {:g}", to_string(one.kind), one.rate);
    table.add({one.id, claim_statement(one), claim_difference(one), basis(one), one.points, one.lo,
               one.hi, one.holds ? "yes" : "no"});
  }
  return {"claims",
          "table",
          fmt::format("The claims at {}", cell),
          "This cell was chosen on validation images before any claim was looked at. A claim holds "
          "when its whole interval lies above 0 and every training seed has the sign. Basis drop: "
          "minus the loss from each arm's own accuracy without faults takes the place of accuracy.",
          "",
          Json::object(),
          std::move(table)};
}

PageFigure gains_lines(const std::vector<StudyClaim>& claims) {
  PageTable table({{"comparison", "comparison"},
                   {"basis", "basis"},
                   {"kind", "kind"},
                   {"rate", "rate"},
                   {"points", "points", 2},
                   {"lo", "from", 2},
                   {"hi", "to", 2},
                   {"holds", "holds"},
                   {"chosen", "cell of the claims"}});
  for (const StudyClaim& one : claims) {
    table.add({claim_difference(one), basis(one), to_string(one.kind), one.rate, one.points, one.lo,
               one.hi, one.holds ? "yes" : "no", one.chosen ? "yes" : "no"});
  }
  Json options = {{"x", "rate"},
                  {"y", "points"},
                  {"lo", "lo"},
                  {"hi", "hi"},
                  {"series", "comparison"},
                  {"facet", "kind"},
                  {"x_log", true},
                  {"zero", true},
                  {"x_name", "fault rate"},
                  {"y_name", "difference, points"},
                  {"choose", {"basis"}}};
  return {
      "gains",
      "lines",
      "What each comparison gains, at every rate",
      "Paired on the same fault maps, averaged over training seeds; mean over maps, band: 95 % t "
      "interval.",
      "Differences of accuracy between arms against fault rate, a panel a kind of fault.",
      std::move(options),
      std::move(table)};
}

}  // namespace

PageSection claims_section(const PageInputs& inputs) {
  PageSection section{"claims-section", "What sharpness-aware training gains", {}, {}, {}};
  if (inputs.claims.empty()) return section;
  section.figures.push_back(chosen_table(inputs.claims));
  section.figures.push_back(gains_lines(inputs.claims));
  return section;
}

}  // namespace flatenn
