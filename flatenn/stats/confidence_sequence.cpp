#include "flatenn/stats/confidence_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/checks.h"

namespace flatenn {
namespace {

constexpr double kTruncation = 0.75;  // c: the share of its capital a gambler may lose at once

/// Samples on [0, 1] with the bet placed on each; the bets know only earlier samples.
struct Game {
  std::vector<double> above, below;  // x and 1 - x
  std::vector<double> bets;
  double log_target = 0;  // a gambler with half a unit has won at log K = log(2 / alpha)
};

Game make_game(std::span<const double> samples, double lo, double hi, double confidence) {
  Game game;
  game.log_target = portable_log(2 / (1 - confidence));
  double sum = 0.5, squares = 0.25;  // one imagined sample with the largest variance there is
  for (const double sample : samples) {
    const double x = (sample - lo) / (hi - lo);
    const double t = static_cast<double>(game.bets.size()) + 1;
    const double variance = squares / t;
    game.bets.push_back(std::sqrt(2 * game.log_target / (variance * t * portable_log(1 + t))));
    game.above.push_back(x);
    game.below.push_back(1 - x);
    sum += x;
    const double distance = x - sum / (t + 1);
    squares += distance * distance;
  }
  return game;
}

/// Whether the gambler on "more than m" has won after the first n samples.
bool excluded(const Game& game, const std::vector<double>& x, std::size_t n, double m) {
  const double limit = m > 0 ? kTruncation / m : std::numeric_limits<double>::infinity();
  // Bets stay below sqrt(8 log(2 / alpha) / log 2) < 21, so 32 factors neither overflow nor
  // vanish, and one logarithm does for all of them.
  constexpr std::size_t kBlock = 32;
  double log_capital = 0;
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t end = std::min(n, begin + kBlock);
    double product = 1;
    for (std::size_t i = begin; i < end; ++i) {
      product *= 1 + std::min(game.bets[i], limit) * (x[i] - m);
    }
    log_capital += portable_log(product);
  }
  return log_capital >= game.log_target;
}

/// The largest m, at least `from`, known to be excluded; `from` itself if that is not.
double lower_end(const Game& game, const std::vector<double>& x, std::size_t n, double from) {
  if (!excluded(game, x, n, from)) return from;
  double out = from, in = 1;  // at m = 1 no factor exceeds 1
  while (in - out > 0x1p-40) {
    const double middle = out + (in - out) / 2;
    (excluded(game, x, n, middle) ? out : in) = middle;
  }
  return out;
}

/// From the ends on [0, 1], the upper one counted from 1 downwards.
Interval scaled_back(std::span<const double> samples, double lo, double hi, double from_below,
                     double from_above) {
  const Accumulator all(samples);
  Interval interval{all.mean(), all.deviation(), lo, hi, all.count()};
  if (samples.empty()) return interval;
  interval.lo = lo + (hi - lo) * from_below;
  interval.hi = hi - (hi - lo) * from_above;
  if (interval.lo > interval.hi) std::swap(interval.lo, interval.hi);
  interval.lo = std::max(lo, std::min(interval.lo, interval.mean));
  interval.hi = std::min(hi, std::max(interval.hi, interval.mean));
  return interval;
}

}  // namespace

Interval confidence_sequence(std::span<const double> samples, double lo, double hi,
                             double confidence) {
  const std::uint64_t look = samples.size();
  return running_confidence_sequence(samples, {&look, 1}, lo, hi, confidence);
}

Interval running_confidence_sequence(std::span<const double> samples,
                                     std::span<const std::uint64_t> looks, double lo, double hi,
                                     double confidence) {
  check_confidence(confidence);
  check_bounded(samples, lo, hi);
  const Game game = make_game(samples, lo, hi, confidence);
  double from_below = 0, from_above = 0;
  std::uint64_t last = 0;
  for (const std::uint64_t n : looks) {
    FLATENN_ASSERT(last <= n && n <= samples.size());
    from_below = lower_end(game, game.above, n, from_below);
    from_above = lower_end(game, game.below, n, from_above);
    last = n;
  }
  return scaled_back(samples.first(last), lo, hi, from_below, from_above);
}

std::uint64_t next_look(std::uint64_t n) {
  FLATENN_ASSERT(n < std::uint64_t{1} << 60);
  std::uint64_t look = 16;
  while (look <= n) look += std::max<std::uint64_t>(8, (look / 10 + 4) / 8 * 8);
  return look;
}

bool decided(const Interval& interval, double half_width) {
  if (!(half_width > 0)) fail("the half width to reach must be above 0, not {}", half_width);
  return (interval.hi - interval.lo) / 2 <= half_width;
}

}  // namespace flatenn
