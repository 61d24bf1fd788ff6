#include "flatenn/study/claims.h"

#include <algorithm>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

struct Role {
  bool sparse = false;
  bool saq = false;
};

/// better - worse is said to be above 0.
struct Sentence {
  std::string_view id;
  Role better, worse;
  std::optional<double> paper_points;
  std::string_view text;
};

constexpr Role kStandard{false, false}, kSparse{true, false}, kStandardSaq{false, true},
    kSparseSaq{true, true};

// paper_points: the "up to" figures of FlatENN's abstract, v1.
const Sentence kSentences[] = {
    {"C1", kStandard, kSparse, 17.32, "standard - sparse"},
    {"C2", kSparseSaq, kSparse, 36.71, "sparse SAQ - sparse"},
    {"C3", kStandardSaq, kStandard, 24.76, "standard SAQ - standard"},
    {"C4", kSparseSaq, kStandard, std::nullopt, "sparse SAQ - standard"},
};

const ArmAccuracies* find_arm(const CellAccuracies& cell, Role role, const std::string& metric) {
  for (const ArmAccuracies& arm : cell.arms) {
    if (arm.variant) continue;
    if (arm.sparse == role.sparse && arm.metric == (role.saq ? metric : "")) return &arm;
  }
  return nullptr;
}

std::vector<std::string> metrics_of(const CellAccuracies& cell) {
  std::vector<std::string> metrics;
  for (const ArmAccuracies& arm : cell.arms) {
    if (arm.variant || arm.metric.empty() ||
        std::ranges::find(metrics, arm.metric) != metrics.end())
      continue;
    metrics.push_back(arm.metric);
  }
  return metrics;
}

/// [seed][map] of better - worse.
std::vector<std::vector<double>> differences(const ArmAccuracies& better,
                                             const ArmAccuracies& worse, Basis basis) {
  FLATENN_ASSERT(better.faulty.size() == worse.faulty.size());
  std::vector<std::vector<double>> result;
  for (std::size_t seed = 0; seed < better.faulty.size(); ++seed) {
    const auto& a = better.faulty[seed];
    const auto& b = worse.faulty[seed];
    FLATENN_ASSERT(a.size() == b.size());
    const double clean = basis == Basis::drop ? better.clean.at(seed) - worse.clean.at(seed) : 0;
    std::vector<double>& row = result.emplace_back();
    for (std::size_t map = 0; map < a.size(); ++map) row.push_back(a[map] - b[map] - clean);
  }
  return result;
}

std::vector<double> mean_over_seeds(const std::vector<std::vector<double>>& values) {
  FLATENN_ASSERT(!values.empty());
  std::vector<double> mean(values.front().size(), 0);
  for (const auto& row : values) {
    FLATENN_ASSERT(row.size() == mean.size());
    for (std::size_t map = 0; map < row.size(); ++map) mean[map] += row[map];
  }
  for (double& x : mean) x /= static_cast<double>(values.size());
  return mean;
}

Claim judge(const Sentence& sentence, const std::string& metric, const CellAccuracies& cell,
            const std::vector<std::vector<double>>& difference) {
  const Interval interval = t_interval(mean_over_seeds(difference));
  const bool every_seed =
      std::ranges::all_of(difference, [](const auto& row) { return Accumulator(row).mean() > 0; });
  return {std::string(sentence.id),
          metric,
          interval.lo > 0 && every_seed,
          interval.mean,
          interval.lo,
          interval.hi,
          cell.kind,
          cell.rate,
          sentence.paper_points};
}

}  // namespace

std::vector<Claim> judge_claims(const CellAccuracies& cell, Basis basis) {
  std::vector<Claim> claims;
  const auto add = [&](const Sentence& sentence, const std::string& metric) {
    const ArmAccuracies* better = find_arm(cell, sentence.better, metric);
    const ArmAccuracies* worse = find_arm(cell, sentence.worse, metric);
    if (better == nullptr || worse == nullptr) return;
    claims.push_back(judge(sentence, metric, cell, differences(*better, *worse, basis)));
  };
  const auto about_saq = [](const Sentence& s) { return s.better.saq || s.worse.saq; };
  for (const Sentence& sentence : kSentences) {
    if (!about_saq(sentence)) add(sentence, "");
  }
  for (const std::string& metric : metrics_of(cell)) {
    for (const Sentence& sentence : kSentences) {
      if (about_saq(sentence)) add(sentence, metric);
    }
  }
  return claims;
}

std::string claim_sentence(std::string_view id) {
  for (const Sentence& sentence : kSentences) {
    if (sentence.id == id) return std::string(sentence.text);
  }
  fail("no claim '{}'; known: C1, C2, C3, C4", id);
}

Interval seed_averaged(const ArmAccuracies& arm) { return t_interval(mean_over_seeds(arm.faulty)); }

}  // namespace flatenn
