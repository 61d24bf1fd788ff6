#include "flatenn/report/page_figure.h"

#include <gtest/gtest.h>

#include <limits>

namespace flatenn {
namespace {

TEST(PageTable, TextIsKeptOnceAndNumbersAsTheyAre) {
  PageTable table({{"network", "network"}, {"mean", "accuracy, %", 2}});
  table.add({"b", 69.4});
  table.add({"a", std::numeric_limits<double>::quiet_NaN()});
  table.add({"b", std::numeric_limits<double>::infinity()});
  const auto json = table.json();
  EXPECT_EQ(json.dump(),
            R"({"columns":[{"name":"network","label":"network","dict":["b","a"],"values":[0,1,0]},)"
            R"({"name":"mean","label":"accuracy, %","digits":2,"values":[69.4,null,null]}]})");
}

TEST(PageTable, CountsWhatItLeavesOut) {
  PageTable table({{"x", "x", 0}});
  for (std::size_t i = 0; i < PageTable::kMostRows + 7; ++i) table.add({i});
  EXPECT_EQ(table.rows(), PageTable::kMostRows);
  EXPECT_EQ(table.left_out(), 7u);
  EXPECT_EQ(table.json()["columns"][0]["values"].size(), PageTable::kMostRows);
}

TEST(PageTable, EmptyOneStillHasItsColumns) {
  const PageTable table({{"x", "x", 0}});
  EXPECT_TRUE(table.empty());
  EXPECT_TRUE(table.json()["columns"][0]["values"].empty());
}

}  // namespace
}  // namespace flatenn
