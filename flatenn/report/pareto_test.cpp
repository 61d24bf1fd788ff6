#include "flatenn/report/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "flatenn/base/error.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Better kHigh = Better::higher, kLow = Better::lower;

TEST(Pareto, FourPointsByHand) {
  // Accuracy up, seconds down: the third is worse than the first in both, the fourth ties in one.
  const std::vector<std::vector<double>> points = {{70, 5}, {60, 2}, {65, 6}, {60, 3}};
  EXPECT_THAT(pareto_front(points, {kHigh, kLow}), ElementsAre(true, true, false, false));
  EXPECT_THAT(pareto_front(points, {kHigh, kHigh}), ElementsAre(true, false, true, false));
  EXPECT_THAT(pareto_front(points, {kLow, kLow}), ElementsAre(false, true, false, false));
}

TEST(Pareto, EqualPointsDoNotBeatEachOther) {
  EXPECT_THAT(pareto_front({{1, 1}, {1, 1}, {1, 0}}, {kHigh, kHigh}),
              ElementsAre(true, true, false));
}

TEST(Pareto, EdgesAndBugs) {
  EXPECT_THAT(pareto_front({}, {kHigh}), IsEmpty());
  EXPECT_THAT(pareto_front({{3, 4}}, {kHigh, kLow}), ElementsAre(true));
  EXPECT_THROW(pareto_front({{1}, {2}}, {kHigh, kHigh}), InternalError);
  EXPECT_THROW(pareto_front({{1, NAN}, {2, 1}}, {kHigh, kHigh}), InternalError);
}

/// The definition word by word, lower criteria by their negatives.
bool beaten(const std::vector<std::vector<double>>& points, std::size_t i,
            const std::vector<Better>& better) {
  const auto good = [&](std::size_t p, std::size_t c) {
    return better[c] == kHigh ? points[p][c] : -points[p][c];
  };
  for (std::size_t other = 0; other < points.size(); ++other) {
    std::size_t at_least = 0, more = 0;
    for (std::size_t c = 0; c < better.size(); ++c) {
      at_least += good(other, c) >= good(i, c) ? 1 : 0;
      more += good(other, c) > good(i, c) ? 1 : 0;
    }
    if (at_least == better.size() && more > 0) return true;
  }
  return false;
}

RC_GTEST_PROP(Pareto, IsWhatTheDefinitionSays, ()) {
  const auto criteria = *rc::gen::inRange<std::size_t>(1, 5);
  const auto flags = *rc::gen::container<std::vector<bool>>(criteria, rc::gen::arbitrary<bool>());
  std::vector<Better> better;
  for (const bool high : flags) better.push_back(high ? kHigh : kLow);
  // Few different values, so that ties and equal points are common.
  const auto values = *rc::gen::container<std::vector<std::vector<int>>>(
      rc::gen::container<std::vector<int>>(criteria, rc::gen::inRange(-3, 4)));
  std::vector<std::vector<double>> points;
  for (const auto& one : values) points.emplace_back(one.begin(), one.end());
  const std::vector<bool> front = pareto_front(points, better);
  RC_ASSERT(front.size() == points.size());
  bool any = points.empty();
  for (std::size_t i = 0; i < points.size(); ++i) {
    RC_ASSERT(front[i] == !beaten(points, i, better));
    any = any || front[i];
  }
  RC_ASSERT(any);  // somebody is always best
}

RC_GTEST_PROP(Pareto, WhoeverIsBeatenIsBeatenFromTheFront, ()) {
  const auto values = *rc::gen::container<std::vector<std::vector<int>>>(
      rc::gen::container<std::vector<int>>(3, rc::gen::inRange(0, 6)));
  std::vector<std::vector<double>> points;
  for (const auto& one : values) points.emplace_back(one.begin(), one.end());
  const std::vector<Better> better = {kHigh, kLow, kHigh};
  const std::vector<bool> front = pareto_front(points, better);
  for (std::size_t i = 0; i < points.size(); ++i) {
    bool from_front = false;
    for (std::size_t j = 0; j < points.size(); ++j) {
      from_front = from_front || (front[j] && dominates(points[j], points[i], better));
    }
    RC_ASSERT(from_front == !front[i]);
  }
}

}  // namespace
}  // namespace flatenn
