#include "flatenn/report/payoff_text.h"

#include <fmt/format.h>

#include <cmath>

#include "flatenn/report/page_figure.h"
#include "flatenn/report/protection_costs.h"
#include "flatenn/report/table.h"

namespace flatenn {
namespace {

using Json = nlohmann::ordered_json;

std::string interval(const PayoffCell& cell) {
  const auto& [lo, hi] = std::pair(cell.points.lo, cell.points.hi);
  if (!std::isfinite(lo) || !std::isfinite(hi)) return "-";
  return fmt::format("[{:.2f}, {:.2f}]{}", lo, hi, cell.few_decide ? "*" : "");
}

Json known(const std::optional<double>& rate) { return rate ? Json(*rate) : Json(nullptr); }

}  // namespace

std::string payoff_text(const std::vector<Payoff>& payoffs) {
  Table table{{"protected arm", "stored bits", "more %", "rate", "best unprotected", "points",
               "95 % interval", "maps", "keeps more"},
              {}};
  std::string words;
  for (const Payoff& payoff : payoffs) {
    for (const PayoffCell& cell : payoff.cells) {
      table.rows.push_back(
          {payoff.arm, fmt::format("{}", payoff.cost.stored()),
           fmt::format("{:.2f}", payoff.cost.overhead()), fmt::format("{:g}", cell.rate), cell.best,
           fmt::format("{:+.2f}", cell.points.mean), interval(cell),
           fmt::format("{}", cell.points.n), std::string(to_string(cell.payer()))});
    }
    words += payoff_words(payoff) + ".\n";
  }
  return aligned_text(table) + "\n" + words;
}

std::string payoff_method() {
  return "Payoff: a protected arm minus the unprotected one that keeps most at that rate, paired "
         "on "
         "the maps that all of these met; 95 % t interval, each for itself. The best is chosen on "
         "the same maps, which favours training a little where several are close.";
}

Json payoff_json(const std::vector<Payoff>& payoffs) {
  Json list = Json::array();
  for (const Payoff& payoff : payoffs) {
    Json rates = Json::array();
    for (const PayoffCell& cell : payoff.cells) {
      rates.push_back({{"rate", cell.rate},
                       {"best", cell.best},
                       {"points", cell.points.mean},
                       {"lo", finite_or_null(cell.points.lo)},
                       {"hi", finite_or_null(cell.points.hi)},
                       {"maps", cell.points.n},
                       {"few_decide", cell.few_decide},
                       {"keeps_more", to_string(cell.payer())}});
    }
    list.push_back({{"arm", payoff.arm},
                    {"kind", to_string(payoff.kind)},
                    {"stored_bits", payoff.cost.stored()},
                    {"overhead_percent", payoff.cost.overhead()},
                    {"pays_up_to", known(payoff.pays_up_to())},
                    {"beaten_from", known(payoff.beaten_from())},
                    {"rates", std::move(rates)},
                    {"words", payoff_words(payoff)}});
  }
  return list;
}

}  // namespace flatenn
