#include "flatenn/analysis/tolerance_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/config/grid.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

/// A network whose mean loss is known at every rate: 0.8 (1 - exp(-(rate / 0.05)^1.3)). A share
/// `collapses` of the loss comes from maps that fall by 0.8, the rest from maps that lose up to
/// twice as much as they do on average. A map keeps its luck at all rates, as nested maps do.
class Network {
 public:
  Network(double collapses, std::uint64_t seed) : collapses_(collapses), seed_(seed) {}

  static constexpr double kClean = 0.9;
  static double mean_loss(double rate) { return 0.8 * (1 - std::exp(-std::pow(rate / 0.05, 1.3))); }

  double accuracy(double rate, std::uint64_t map) const {
    RandomStream stream(seed_, Purpose::test, map);
    const double loss = mean_loss(rate), collapsed = collapses_ * loss / 0.8;
    if (stream.uniform() < collapsed) return kClean - 0.8;
    const double others = (loss - 0.8 * collapsed) / (1 - collapsed);
    return std::max(0.0, kClean - 2 * others * stream.uniform());
  }

 private:
  double collapses_;
  std::uint64_t seed_;
};

/// The outcomes of a network, drawn when they are asked for, at most `allowed` of them.
class Outcomes {
 public:
  Outcomes(const ToleranceQuestion& question, const Network& network,
           std::uint64_t allowed = std::numeric_limits<std::uint64_t>::max())
      : question_(question), network_(network), allowed_(allowed) {}

  std::span<const double> operator()(std::size_t rate, std::uint64_t maps) {
    std::vector<double>& drawn = drawn_[rate];
    for (; drawn.size() < maps && allowed_ > 0; --allowed_) {
      drawn.push_back(network_.accuracy(question_.rates[rate], drawn.size()));
    }
    return std::span(drawn).first(std::min<std::size_t>(maps, drawn.size()));
  }
  /// Measured by a campaign that knew nothing of the search.
  void measure(std::size_t rate, std::uint64_t maps) { (*this)(rate, maps); }
  void allow(std::uint64_t more) { allowed_ += more; }

 private:
  const ToleranceQuestion& question_;
  const Network& network_;
  std::uint64_t allowed_;
  std::map<std::size_t, std::vector<double>> drawn_;
};

ToleranceQuestion question(double loss = 0.05) {
  ToleranceQuestion question;
  question.rates = expand_grid("1e-5..0.5:115", "test");
  question.clean = Network::kClean;
  question.loss = loss;
  return question;
}

ToleranceAnswer answer(const ToleranceQuestion& question, const Network& network) {
  Outcomes outcomes(question, network);
  const ToleranceRound round = search_tolerance(question, std::ref(outcomes));
  EXPECT_TRUE(round.needs.empty());
  return round.answer;
}

/// The rate at which the mean loss is what is tolerated.
double truth(const ToleranceQuestion& question) {
  return 0.05 * std::pow(-std::log(1 - question.loss / 0.8), 1 / 1.3);
}

TEST(ToleranceSearch, FindsTheRate) {
  const ToleranceQuestion asked = question();
  const ToleranceAnswer found = answer(asked, Network(0, 1));
  const double rate = truth(asked);
  EXPECT_LT(found.lo, rate);
  EXPECT_GT(found.hi, rate);
  EXPECT_TRUE(found.bounded);
  EXPECT_NEAR(found.rate, rate, 0.1 * rate);
  EXPECT_GT(found.lo, rate / 1.5);
  EXPECT_LT(found.hi, rate * 1.3);
  EXPECT_LT(found.maps, 3u * asked.max_maps);
}

std::string unanswerable(const ToleranceQuestion& question, int classes = 10) {
  try {
    check_answerable(question, classes);
  } catch (const Error& mistake) {
    return mistake.what();
  }
  return "answerable";
}

TEST(ToleranceSearch, QuestionsWithoutAnAnswerAreNamed) {
  ToleranceQuestion asked = question(0.79);
  EXPECT_EQ(unanswerable(asked), "answerable");
  asked.loss = 0.8;  // leaves 10 %, what guessing among ten gets right
  EXPECT_THAT(unanswerable(asked), HasSubstr("no better than guessing (10 %)"));
  EXPECT_EQ(unanswerable(asked, 100), "answerable");

  // One map fewer than a network that loses nothing needs, and as many as it needs.
  asked.loss = 0.01;
  asked.max_maps = 1;
  while (asked.max_maps < 5000 && unanswerable(asked) != "answerable") ++asked.max_maps;
  MeanTest lossless(asked.threshold(), asked.level());
  while (lossless.side() == MeanSide::open) lossless.add(asked.clean);
  EXPECT_LE(asked.max_maps, lossless.count());
  EXPECT_GE(static_cast<double>(asked.max_maps), 0.95 * static_cast<double>(lossless.count()));
  --asked.max_maps;
  EXPECT_THAT(unanswerable(asked), HasSubstr("max_maps: with 115 rates at 95 % confidence"));
  // Fewer rates share the level among them.
  asked.rates = {0.001, 0.01};
  EXPECT_EQ(unanswerable(asked), "answerable");
}

TEST(ToleranceSearch, MoreMapsNarrowTheAnswer) {
  ToleranceQuestion asked = question(0.01);
  const ToleranceAnswer few = answer(asked, Network(0, 1));
  asked.max_maps = 20000;
  const ToleranceAnswer many = answer(asked, Network(0, 1));
  EXPECT_LT(many.hi / many.lo, 0.8 * few.hi / few.lo);
}

TEST(ToleranceSearch, TheAnswerDependsOnlyOnWhatItAskedFor) {
  const ToleranceQuestion asked = question();
  const Network network(0.5, 3);
  const ToleranceAnswer whole = answer(asked, network);
  // Stopped after any number of maps, with other maps there already.
  Outcomes outcomes(asked, network, 700);
  for (std::size_t rate = 20; rate < 100; rate += 3) outcomes.measure(rate, 25);
  ToleranceRound round = search_tolerance(asked, std::ref(outcomes));
  int rounds = 0;
  for (; !round.needs.empty(); ++rounds) {
    for (const ToleranceNeed& need : round.needs) {
      EXPECT_LT(need.first, need.last);
      EXPECT_LE(need.last, asked.max_maps);
    }
    outcomes.allow(5);
    round = search_tolerance(asked, std::ref(outcomes));
  }
  EXPECT_GT(rounds, 10);
  EXPECT_EQ(round.answer.rate, whole.rate);
  EXPECT_EQ(round.answer.lo, whole.lo);
  EXPECT_EQ(round.answer.hi, whole.hi);
  EXPECT_EQ(round.answer.maps, whole.maps);
  EXPECT_EQ(round.answer.rates.size(), whole.rates.size());
}

TEST(ToleranceSearch, AsksForMissingMapsOnly) {
  const ToleranceQuestion asked = question();
  const Network network(0, 1);
  Outcomes outcomes(asked, network, 5);
  const ToleranceRound round = search_tolerance(asked, std::ref(outcomes));
  // The middle of 115 rates, of which 5 maps are there.
  EXPECT_EQ(round.needs, (std::vector<ToleranceNeed>{{57, 5, 16}}));
  EXPECT_EQ(round.answer.lo, 0);
  EXPECT_FALSE(round.answer.bounded);
}

TEST(ToleranceSearch, BeyondTheListOfRates) {
  ToleranceQuestion low = question();
  low.rates = {1e-5, 1e-4, 2e-4};
  const ToleranceAnswer survives = answer(low, Network(0, 1));
  EXPECT_EQ(survives.lo, 2e-4);
  EXPECT_EQ(survives.rate, 2e-4);
  EXPECT_FALSE(survives.bounded);
  EXPECT_EQ(survives.hi, 1);
  ToleranceQuestion high = question();
  high.rates = {0.1, 0.2};
  const ToleranceAnswer fails = answer(high, Network(0, 1));
  EXPECT_EQ(fails.lo, 0);
  EXPECT_TRUE(fails.bounded);
  EXPECT_EQ(fails.hi, 0.1);
  EXPECT_GT(fails.rate, 0);
  EXPECT_LT(fails.rate, 0.1);
  ToleranceQuestion one = question();
  one.rates = {1e-4};
  EXPECT_EQ(answer(one, Network(0, 1)).lo, 1e-4);
}

TEST(ToleranceSearch, MistakesAreErrors) {
  const auto error = [](const ToleranceQuestion& asked) -> std::string {
    try {
      check_question(asked);
    } catch (const Error& mistake) {
      return mistake.what();
    }
    return "no error";
  };
  ToleranceQuestion asked = question();
  EXPECT_EQ(error(asked), "no error");
  asked.rates = {};
  EXPECT_THAT(error(asked), HasSubstr("empty"));
  asked.rates = {0.2, 0.1};
  EXPECT_THAT(error(asked), HasSubstr("0.1 does not ascend"));
  asked.rates = {0};
  EXPECT_THAT(error(asked), HasSubstr("does not ascend"));
  asked.rates = {0.1};
  asked.loss = 0.95;
  EXPECT_EQ(error(asked), "loss: 95 points are more than the 90 % that are right without faults");
  asked.loss = 0;
  EXPECT_THAT(error(asked), HasSubstr("no loss"));
  asked.loss = 0.01;
  asked.confidence = 1;
  EXPECT_THAT(error(asked), HasSubstr("confidence"));
  asked.confidence = 0.95;
  asked.max_maps = 0;
  EXPECT_THAT(error(asked), HasSubstr("max_maps"));
}

/// What is promised, and what else is worth knowing.
struct Coverage {
  double right = 0;  ///< share of campaigns whose lo and hi hold the truth between them
  double near = 0;   ///< whose estimate is within a factor of 1.3
  double maps = 0;   ///< spent
  double ratio = 0;  ///< geometric mean of hi / lo
};

Coverage coverage(const ToleranceQuestion& asked, double collapses, int campaigns) {
  const double rate = truth(asked);
  Coverage all;
  for (int seed = 0; seed < campaigns; ++seed) {
    const ToleranceAnswer found = answer(asked, Network(collapses, std::uint64_t(seed)));
    all.right += found.lo <= rate && rate < found.hi;
    all.near += std::abs(std::log(found.rate / rate)) < std::log(1.3);
    all.maps += double(found.maps);
    all.ratio += std::log(found.hi / std::max(found.lo, asked.rates.front()));
  }
  const double n = campaigns;
  return {all.right / n, all.near / n, all.maps / n, std::exp(all.ratio / n)};
}

// Outcomes from well-behaved to nothing but collapses.
TEST(SlowTolerance, WhatIsShownIsTrue) {
  for (const double loss : {0.01, 0.05}) {
    for (const double collapses : {0.0, 0.5, 1.0}) {
      const Coverage found = coverage(question(loss), collapses, 500);
      RecordProperty(fmt::format("loss{:g}_collapses{:g}", 100 * loss, 100 * collapses),
                     fmt::format("right {:.3f}, near {:.3f}, maps {:.0f}, hi / lo {:.2f}",
                                 found.right, found.near, found.maps, found.ratio));
      EXPECT_GE(found.right, 0.95) << loss << " " << collapses;
      EXPECT_GE(found.near, collapses == 0 ? 0.95 : 0.5) << loss << " " << collapses;
    }
  }
}

// A promise of 50 % is kept too, and the simulation sees what goes wrong.
TEST(SlowTolerance, ALowerConfidenceIsWrongMoreOften) {
  ToleranceQuestion asked = question();
  asked.rates = expand_grid("5e-3..7e-3:16", "test");
  asked.confidence = 0.5;
  const double shared = coverage(asked, 0.5, 500).right;
  EXPECT_GE(shared, 0.5);
  EXPECT_LT(shared, 1);
  RecordProperty("confidence50", fmt::format("{:.3f}", shared));
}

/// Maps that campaigns without a search would have spent on an answer as narrow.
struct Spending {
  double search = 0;
  double stopping = 0;  ///< every rate until it is shown, at most max_maps
  double decade = 0;    ///< the same among the 24 rates around the truth, known by a miracle
  double fixed = 0;     ///< every rate as many maps as the slower of lo and hi needed
};

void spend(const ToleranceQuestion& asked, const Network& network, Spending& spent) {
  const ToleranceAnswer found = answer(asked, network);
  spent.search += double(found.maps);
  std::uint64_t slower = 0;
  for (const double rate : asked.rates) {
    MeanTest test(asked.threshold(), asked.level());
    while (test.side() == MeanSide::open && test.count() < asked.max_maps) {
      test.add(network.accuracy(rate, test.count()));
    }
    spent.stopping += double(test.count());
    if (std::abs(std::log10(rate / truth(asked))) < 0.5) spent.decade += double(test.count());
    if (rate == found.lo || rate == found.hi) slower = std::max(slower, test.count());
  }
  spent.fixed += double(slower * asked.rates.size());
}

TEST(SlowTolerance, SpendsFarFewerMapsThanAGrid) {
  for (const double loss : {0.01, 0.05}) {
    for (const double collapses : {0.0, 0.5}) {
      Spending sum;
      constexpr int campaigns = 20;
      for (std::uint64_t seed = 0; seed < campaigns; ++seed) {
        spend(question(loss), Network(collapses, seed), sum);
      }
      RecordProperty(fmt::format("loss{:g}_collapses{:g}", 100 * loss, 100 * collapses),
                     fmt::format("search {:.0f}, stopping {:.0f}, decade {:.0f}, fixed {:.0f}",
                                 sum.search / campaigns, sum.stopping / campaigns,
                                 sum.decade / campaigns, sum.fixed / campaigns));
      EXPECT_LT(3 * sum.search, sum.stopping) << loss;
      EXPECT_LT(2 * sum.search, sum.decade) << loss;
      EXPECT_LT(15 * sum.search, sum.fixed) << loss;
    }
  }
}

}  // namespace
}  // namespace flatenn
