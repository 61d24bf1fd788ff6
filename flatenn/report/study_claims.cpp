#include "flatenn/report/study_claims.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using Json = nlohmann::json;

struct Words {
  const char* id;
  const char* statement;
  const char* minuend;
  const char* subtrahend;
};
constexpr Words kWords[] = {
    {"C1", "sparse networks suffer more than standard ones", "standard", "sparse"},
    {"C2", "sharpness-aware quantization helps the sparse network", "sparse SAQ", "sparse"},
    {"C3", "sharpness-aware quantization helps the standard network", "standard SAQ", "standard"},
    {"C4", "the sparse network with sharpness-aware quantization beats the plain standard one",
     "sparse SAQ", "standard"},
};

const Words* words(std::string_view id) {
  for (const Words& one : kWords) {
    if (id == one.id) return &one;
  }
  return nullptr;
}

/// null: the end of the interval that lies at `infinity`.
double number_or(const Json& value, double infinity) {
  return value.is_null() ? infinity : value.get<double>();
}

StudyClaim read_claim(const Json& json, bool on_drop) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  StudyClaim claim;
  claim.id = json.at("id").get<std::string>();
  claim.metric = json.at("metric").get<std::string>();
  claim.on_drop = on_drop;
  claim.holds = json.at("holds").get<bool>();
  claim.points = number_or(json.at("points"), std::numeric_limits<double>::quiet_NaN());
  claim.lo = number_or(json.at("lo"), -kInfinity);
  claim.hi = number_or(json.at("hi"), kInfinity);
  claim.kind = parse_fault_kind(json.at("kind").get<std::string>());
  claim.rate = json.at("rate").get<double>();
  return claim;
}

}  // namespace

std::vector<StudyClaim> read_study_claims(std::string_view text, std::string_view where) {
  try {
    const Json json = Json::parse(text);
    std::vector<StudyClaim> claims;
    for (const bool on_drop : {false, true}) {
      const std::string suffix = on_drop ? "_on_drop" : "";
      std::optional<std::tuple<FaultKind, double>> cell;
      for (const Json& one : json.at("claims" + suffix)) {
        const StudyClaim claim = read_claim(one, on_drop);
        cell = std::tuple(claim.kind, claim.rate);
      }
      for (const Json& one : json.at("claims_by_cell" + suffix)) {
        StudyClaim claim = read_claim(one, on_drop);
        claim.chosen = cell == std::tuple(claim.kind, claim.rate);
        claims.push_back(std::move(claim));
      }
    }
    return claims;
  } catch (const Json::exception& error) {
    fail("{}: not the summary of a study: {}", where, error.what());
  }
}

std::string claim_statement(const StudyClaim& claim) {
  const Words* known = words(claim.id);
  return known == nullptr ? claim.id : known->statement;
}

std::string claim_difference(const StudyClaim& claim) {
  const Words* known = words(claim.id);
  if (known == nullptr) return claim.id;
  const std::string metric = claim.metric.empty() ? "" : fmt::format(" ({})", claim.metric);
  return fmt::format("{}{} \u2212 {}", known->minuend, metric, known->subtrahend);
}

}  // namespace flatenn
