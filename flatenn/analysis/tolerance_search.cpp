#include "flatenn/analysis/tolerance_search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "flatenn/base/error.h"
#include "flatenn/stats/confidence_sequence.h"

namespace flatenn {
namespace {

/// What the search thinks of a rate.
enum class Opinion { tolerated, hopeless, beyond };

class Search {
 public:
  explicit Search(const ToleranceQuestion& question) : question_(question) {}

  /// The looks to take next; nothing when all is done.
  std::vector<ToleranceNeed> next() const {
    const auto [lo, hi] = candidates();
    if (const auto rate = unexplored(lo, hi)) return {need(*rate)};
    std::vector<ToleranceNeed> needs;
    for (const std::ptrdiff_t rate : {lo, hi}) {
      if (looked_at(rate) && tests_.at(rate).side() == MeanSide::open) needs.push_back(need(rate));
    }
    return needs;
  }

  void take(const ToleranceNeed& need, std::span<const double> outcomes) {
    MeanTest& test = tests_
                         .try_emplace(static_cast<std::ptrdiff_t>(need.rate), question_.threshold(),
                                      question_.level())
                         .first->second;
    for (std::uint64_t i = need.first; i < need.last; ++i) test.add(outcomes[i]);
  }

  ToleranceAnswer answer() const;

 private:
  /// Rates are counted from 0; -1 and size() stand for fault-free memory and for what no network
  /// survives.
  std::ptrdiff_t size() const { return std::ssize(question_.rates); }
  bool looked_at(std::ptrdiff_t rate) const { return tests_.contains(rate); }

  ToleranceNeed need(std::ptrdiff_t rate) const {
    const auto found = tests_.find(rate);
    const std::uint64_t first = found == tests_.end() ? 0 : found->second.count();
    return {static_cast<std::size_t>(rate), first, std::min(next_look(first), question_.max_maps)};
  }

  Opinion opinion(const MeanTest& test) const {
    const bool above = test.mean() >= question_.threshold();
    switch (test.side()) {
      case MeanSide::above:
        return Opinion::tolerated;
      case MeanSide::below:
        return Opinion::beyond;
      case MeanSide::open:
        break;
    }
    const bool promising = test.count() < question_.max_maps &&
                           test.forecast() <= static_cast<double>(question_.max_maps);
    if (!promising) return Opinion::hopeless;
    return above ? Opinion::tolerated : Opinion::beyond;
  }

  /// The highest tolerated rate below the lowest one beyond, and the latter.
  std::pair<std::ptrdiff_t, std::ptrdiff_t> candidates() const {
    std::ptrdiff_t lo = -1;
    for (const auto& [rate, test] : tests_) {
      if (opinion(test) == Opinion::beyond) return {lo, rate};
      if (opinion(test) == Opinion::tolerated) lo = rate;
    }
    return {lo, size()};
  }

  /// The rate in the middle of a gap between the candidates in which nothing was looked at; the
  /// hopeless between them stay where they are.
  std::optional<std::ptrdiff_t> unexplored(std::ptrdiff_t lo, std::ptrdiff_t hi) const {
    std::ptrdiff_t first = hi, last = lo;  // the hopeless, if any
    for (const auto& [rate, test] : tests_) {
      if (rate <= lo || rate >= hi) continue;
      first = std::min(first, rate);
      last = std::max(last, rate);
    }
    if (first - lo > 1) return lo + (first - lo) / 2;
    if (last > lo && hi - last > 1) return last + (hi - last) / 2;
    return std::nullopt;
  }

  const ToleranceQuestion& question_;
  std::map<std::ptrdiff_t, MeanTest> tests_;
};

/// Rates and mean losses, the losses made to rise by pooling neighbours that do not (weighted by
/// maps; Ayer et al., Annals of Mathematical Statistics 26, 1955).
struct Pool {
  double log_rate = 0, loss = 0, maps = 0;
};

std::vector<Pool> pool_adjacent(const std::vector<RateEvidence>& evidence) {
  std::vector<Pool> pools;
  for (const RateEvidence& at : evidence) {
    pools.push_back({std::log(at.rate), at.loss, static_cast<double>(at.maps)});
    while (pools.size() > 1 && pools[pools.size() - 2].loss >= pools.back().loss) {
      const Pool last = pools.back();
      pools.pop_back();
      Pool& into = pools.back();
      const double maps = into.maps + last.maps;
      into.log_rate = (into.log_rate * into.maps + last.log_rate * last.maps) / maps;
      into.loss = (into.loss * into.maps + last.loss * last.maps) / maps;
      into.maps = maps;
    }
  }
  return pools;
}

/// Where the losses cross `loss`; in proportion to the rate below the lowest pool, and the highest
/// rate if they never do.
double crossing(const std::vector<Pool>& pools, double loss, double highest) {
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (pools[i].loss <= loss) continue;
    if (i == 0) return std::exp(pools[0].log_rate) * loss / pools[0].loss;
    const double share = (loss - pools[i - 1].loss) / (pools[i].loss - pools[i - 1].loss);
    return std::exp(pools[i - 1].log_rate + share * (pools[i].log_rate - pools[i - 1].log_rate));
  }
  return highest;
}

ToleranceAnswer Search::answer() const {
  ToleranceAnswer answer;
  for (const auto& [rate, test] : tests_) {
    const double value = question_.rates[static_cast<std::size_t>(rate)];
    answer.rates.push_back({value, test.count(), question_.clean - test.mean(), test.side()});
    answer.maps += test.count();
    if (test.side() == MeanSide::above && !answer.bounded) answer.lo = value;
    if (test.side() == MeanSide::below && !answer.bounded) {
      answer.hi = value;
      answer.bounded = true;
    }
  }
  const double found =
      crossing(pool_adjacent(answer.rates), question_.loss, question_.rates.back());
  answer.rate = std::clamp(found, answer.lo, answer.hi);
  return answer;
}

}  // namespace

void check_question(const ToleranceQuestion& question) {
  if (question.rates.empty()) fail("rates: the list is empty");
  double last = 0;
  for (const double rate : question.rates) {
    if (!(rate > last && rate <= 1)) fail("rates: {} does not ascend within (0, 1]", rate);
    last = rate;
  }
  if (!(question.confidence > 0 && question.confidence < 1)) {
    fail("confidence: {} is not between 0 and 1", question.confidence);
  }
  if (question.max_maps == 0) fail("max_maps: at least one fault map is needed");
  if (!(question.loss > 0)) fail("loss: {} points are no loss", 100 * question.loss);
  if (!(question.clean <= 1 && question.loss < question.clean)) {
    fail("loss: {:.4g} points are more than the {:.4g} % that are right without faults",
         100 * question.loss, 100 * question.clean);
  }
}

void check_answerable(const ToleranceQuestion& question, int classes) {
  const double chance = 1.0 / classes;
  if (question.threshold() <= chance) {
    fail(
        "loss: {:.4g} points below the {:.4g} % that are right without faults is no better than "
        "guessing ({:.4g} %): every rate would be tolerated; choose less than {:.4g}",
        100 * question.loss, 100 * question.clean, 100 * chance, 100 * (question.clean - chance));
  }
  const double fewest = fewest_above(question.threshold(), question.level(), question.clean);
  if (static_cast<double>(question.max_maps) < fewest) {
    fail(
        "max_maps: with {} rates at {:.4g} % confidence it takes {:.0f} maps to show even a rate "
        "without loss to cost less than {:.4g} points, but {} are allowed; allow more, or ask for "
        "a larger loss",
        question.rates.size(), 100 * question.confidence, fewest, 100 * question.loss,
        question.max_maps);
  }
}

ToleranceRound search_tolerance(const ToleranceQuestion& question,
                                const ToleranceOutcomes& outcomes) {
  check_question(question);
  Search search(question);
  ToleranceRound round;
  for (;;) {
    const std::vector<ToleranceNeed> looks = search.next();
    for (const ToleranceNeed& look : looks) {
      const std::uint64_t there = outcomes(look.rate, look.last).size();
      if (there < look.last) {
        round.needs.push_back({look.rate, std::max(look.first, there), look.last});
      }
    }
    if (looks.empty() || !round.needs.empty()) break;
    for (const ToleranceNeed& look : looks) search.take(look, outcomes(look.rate, look.last));
  }
  round.answer = search.answer();
  return round;
}

}  // namespace flatenn
