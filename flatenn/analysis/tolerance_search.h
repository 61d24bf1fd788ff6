// Tolerance search: the highest fault rate that costs no more than so many points, by looking where
// it is decided. A pure function of the outcomes measured so far: docs/tolerance.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "flatenn/stats/betting.h"

namespace flatenn {

/// What is asked.
struct ToleranceQuestion {
  std::vector<double> rates;      ///< ascending, in (0, 1]: the search is among these
  double clean = 0;               ///< accuracy without faults, a fraction
  double loss = 0.01;             ///< tolerated, a fraction; the threshold is clean - loss
  double confidence = 0.95;       ///< of all that is shown, at once
  std::uint64_t max_maps = 2000;  ///< at one rate

  double threshold() const { return clean - loss; }
  /// Of the test at each rate: 1 - confidence shared out among the rates, so that what is shown is
  /// right whatever made the search look where it did.
  double level() const { return (1 - confidence) / static_cast<double>(rates.size()); }
};

/// Throws Error unless the rates ascend in (0, 1], 0 < loss < clean <= 1, 0 < confidence < 1 and
/// there is a map.
void check_question(const ToleranceQuestion& question);

/// Throws Error when the question has no answer, whatever the network: when no network is so bad
/// that it loses that much, because one that guesses among `classes` does not; or when max_maps are
/// too few to show even a rate at which nothing is lost to be tolerated (fewest_above).
/// Precondition: check_question passed.
void check_answerable(const ToleranceQuestion& question, int classes);

/// What was found out at one rate.
struct RateEvidence {
  double rate = 0;
  std::uint64_t maps = 0;
  double loss = 0;  ///< mean over the maps, a fraction; may be negative
  /// above: the mean accuracy was shown to be above the threshold, the rate is tolerated; below: it
  /// was shown to be below.
  MeanSide shown = MeanSide::open;
};

struct ToleranceAnswer {
  /// Interpolated between the mean losses, made monotone, over the logarithm of the rate; from 0
  /// losslessly to the lowest rate looked at. Within [lo, hi]. No promise.
  double rate = 0;
  double lo = 0;                    ///< the highest rate below hi shown to be tolerated; 0 if none
  double hi = 1;                    ///< the lowest rate shown not to be; 1 if none
  bool bounded = false;             ///< hi was shown
  std::vector<RateEvidence> rates;  ///< looked at, ascending
  std::uint64_t maps = 0;           ///< over all rates
};

/// Maps [first, last) at rate number `rate`, counted from 0.
struct ToleranceNeed {
  std::size_t rate = 0;
  std::uint64_t first = 0, last = 0;
  bool operator==(const ToleranceNeed&) const = default;
};

struct ToleranceRound {
  std::vector<ToleranceNeed> needs;  ///< to be measured next; nothing: the answer is final
  ToleranceAnswer answer;            ///< so far
};

/// The accuracies, fractions, of maps 0, 1, 2, ... at rate number `rate`: the first `maps`, fewer
/// if fewer are measured.
using ToleranceOutcomes =
    std::function<std::span<const double>(std::size_t rate, std::uint64_t maps)>;

/// Goes through the search from its beginning with the outcomes there are, to the answer or to the
/// first outcomes that lack. What it asks for and answers depends on those outcomes alone that it
/// ever asked for: not on their number, order or other outcomes measured meanwhile.
///
/// Rates are looked at with 16 maps and sorted into promising (tolerated or not, with a forecast of
/// at most max_maps: MeanTest::forecast) and hopeless. Bisection over the list of rates finds the
/// highest promising tolerated one below the lowest promising other, and around hopeless rates
/// between the two goes on towards both. Only those two are then measured on (at next_look) until
/// they are shown or turn out hopeless, upon which the search goes on from there.
///
/// At every rate one of the two verdicts would be wrong, with probability at most level(); so all
/// verdicts are right with probability at least `confidence`, lo is tolerated and hi is not. That
/// no rate below lo is worse, and none above hi better, is a matter of the network: mean accuracy
/// falls with the rate in practice, because maps are nested, but nothing proves it.
ToleranceRound search_tolerance(const ToleranceQuestion& question,
                                const ToleranceOutcomes& outcomes);

}  // namespace flatenn
