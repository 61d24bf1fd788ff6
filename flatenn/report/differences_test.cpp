#include "flatenn/report/differences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/report/testing.h"

namespace flatenn {
namespace {

TEST(CompareToFirst, PairsTheCommonMaps) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}, {2, 70}});
  test.add("saq", 89, {{1, 64}, {2, 76}, {3, 10}});
  const auto differences = compare_to_first(read_arms(test.store()));
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].first, "saq");
  EXPECT_EQ(differences[0].second, "plain");
  EXPECT_EQ(differences[0].points.n, 2u);
  EXPECT_DOUBLE_EQ(differences[0].points.mean, 5);  // of 4 and 6
  EXPECT_LT(differences[0].points.lo, 5);
}

TEST(CompareToFirst, OtherFaultsAreNotCompared) {
  const TestStore test;
  test.add("plain", 90, {{0, 50}, {1, 60}});
  test.add("seed", 90, {{0, 50}, {1, 60}}, [](Subject& s) { s.seed = 3; });
  test.add("size", 90, {{0, 50}, {1, 60}}, [](Subject& s) { s.memory_bits = 16; });
  test.add("images", 90, {{0, 50}, {1, 60}}, [](Subject& s) { s.data_hash = "other"; });
  test.add("maps", 90, {{8, 50}, {9, 60}});
  EXPECT_TRUE(compare_to_first(read_arms(test.store())).empty());
}

TEST(CompareToFirst, WhateverProtectsTheCodesTheirFaultsAreTheSame) {
  const TestStore test;
  const std::string layout = "fc.weight 16x4";
  test.add("plain", 90, {{0, 50}, {1, 60}}, unprotected(layout));
  test.add("plain", 90, {{0, 80}, {1, 90}}, behind("secded:64", layout));
  test.add("plain", 90, {{0, 70}, {1, 80}}, behind("protect:1", layout));
  test.add("rows", 90, {{0, 70}, {1, 80}}, [&](Subject& s) {
    behind("secded:64", layout)(s);
    s.source = "row 128 | secded:64";
  });
  test.add("wider", 90, {{0, 70}, {1, 80}}, behind("secded:64", "fc.weight 16x8"));
  const auto differences = compare_to_first(read_arms(test.store()));
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0].first, "plain + secded:64");
  EXPECT_DOUBLE_EQ(differences[0].points.mean, 30);
  EXPECT_EQ(differences[1].first, "plain + protect:1");
}

TEST(CompareToFirst, EachIsComparedToTheFirstOfItsFaults) {
  const TestStore test;
  test.add("a", 90, {{0, 50}, {1, 60}});
  test.add("b", 90, {{0, 51}, {1, 61}}, [](Subject& s) { s.seed = 3; });
  test.add("c", 90, {{0, 52}, {1, 62}}, [](Subject& s) { s.seed = 3; });
  const auto differences = compare_to_first(read_arms(test.store()));
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].second, "b");
  EXPECT_DOUBLE_EQ(differences[0].points.mean, 1);
}

}  // namespace
}  // namespace flatenn
