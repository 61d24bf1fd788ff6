#include "flatenn/stats/variance_split.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "flatenn/base/error.h"
#include "flatenn/base/random.h"
#include "flatenn/stats/accumulator.h"

namespace flatenn {
namespace {

using Matrix = std::vector<std::vector<int>>;

VarianceSplit split_matrix(const Matrix& matrix) {
  std::vector<std::uint64_t> rows, columns(matrix[0].size(), 0);
  for (const auto& row : matrix) {
    rows.push_back(0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      rows.back() += std::uint64_t(row[i]);
      columns[i] += std::uint64_t(row[i]);
    }
  }
  return split_variance(rows, columns);
}

// By hand: 3 maps, 2 images; rows 2, 1, 0, columns 2, 1, mean 1/2. SS_map = 1, SS_image = 1/6,
// SS_total = 3/2, so SS_c = 1/3; MS = 1/2, 1/6, 1/6.
TEST(VarianceSplit, SixCellsByHand) {
  const VarianceSplit split = split_matrix({{1, 1}, {1, 0}, {0, 0}});
  EXPECT_NEAR(split.mean, 0.5, 1e-15);
  EXPECT_NEAR(split.interaction, 1.0 / 6, 1e-15);
  EXPECT_NEAR(split.map, 1.0 / 6, 1e-15);
  EXPECT_NEAR(split.image, 0, 1e-15);
  EXPECT_FALSE(split.map_clipped);
  EXPECT_NEAR(split.accuracy_over_maps, 0.25, 1e-15);
  EXPECT_NEAR(split.share_of_maps, 2.0 / 3, 1e-15);
  EXPECT_NEAR(split.of_mean, 1.0 / 18 + 1.0 / 36, 1e-15);
}

TEST(VarianceSplit, OnlyMapsOrOnlyImagesOrNothing) {
  const VarianceSplit maps = split_matrix({{1, 1, 1}, {0, 0, 0}});
  EXPECT_EQ(maps.map, 0.5);
  EXPECT_EQ(maps.image, 0);
  EXPECT_EQ(maps.interaction, 0);
  EXPECT_EQ(maps.share_of_maps, 1);
  const VarianceSplit images = split_matrix({{1, 0, 0}, {1, 0, 0}});
  EXPECT_EQ(images.map, 0);
  EXPECT_NEAR(images.image, 1.0 / 3, 1e-15);
  EXPECT_TRUE(std::isnan(images.share_of_maps));
  const VarianceSplit nothing = split_matrix({{1, 1}, {1, 1}});
  EXPECT_EQ(nothing.mean, 1);
  EXPECT_EQ(nothing.of_mean, 0);
  // Every map misses another image: maps are more alike than chance, and image too.
  const VarianceSplit alike = split_matrix({{0, 1, 1}, {1, 0, 1}, {1, 1, 0}});
  EXPECT_TRUE(alike.map_clipped);
  EXPECT_TRUE(alike.image_clipped);
  EXPECT_EQ(alike.map, 0);
  EXPECT_GT(alike.interaction, 0);
}

TEST(VarianceSplit, MistakesAreRefused) {
  using Totals = std::vector<std::uint64_t>;
  EXPECT_THROW(split_variance({}, {}), Error);
  EXPECT_THROW(split_variance(Totals{1}, Totals{1, 0}), Error);
  EXPECT_THROW(split_variance(Totals{1, 0}, Totals{1}), Error);
  EXPECT_THROW(split_variance(Totals{3, 0}, Totals{2, 1}), Error);
  EXPECT_THROW(split_variance(Totals{1, 1}, Totals{3, 0}), Error);
  EXPECT_THROW(split_variance(Totals{1, 1}, Totals{2, 1}), Error);
  EXPECT_THROW(split_variance(Totals{~0ull, 1}, Totals{1, 1}), Error);
  // Two images right under both maps and one map right nowhere: no such matrix.
  EXPECT_THROW(split_variance(Totals{4, 0}, Totals{2, 2, 0, 0}), Error);
}

// The same from the whole matrix, by the textbook's sums over cells.
RC_GTEST_PROP(VarianceSplit, TotalsSayAsMuchAsTheMatrix, ()) {
  const auto r = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(2, 7));
  const auto c = *rc::gen::resize(100, rc::gen::inRange<std::size_t>(2, 9));
  const auto cells =
      *rc::gen::container<std::vector<int>>(r * c, rc::gen::resize(100, rc::gen::inRange(0, 2)));
  Matrix matrix(r, std::vector<int>(c));
  std::vector<double> row(r, 0), column(c, 0);
  double mean = 0;
  for (std::size_t m = 0; m < r; ++m) {
    for (std::size_t i = 0; i < c; ++i) {
      const double y = matrix[m][i] = cells[m * c + i];
      row[m] += y / double(c);
      column[i] += y / double(r);
      mean += y / double(r * c);
    }
  }
  double ms_row = 0, ms_column = 0, ms_rest = 0;
  for (std::size_t m = 0; m < r; ++m) ms_row += double(c) * std::pow(row[m] - mean, 2);
  for (std::size_t i = 0; i < c; ++i) ms_column += double(r) * std::pow(column[i] - mean, 2);
  for (std::size_t m = 0; m < r; ++m) {
    for (std::size_t i = 0; i < c; ++i) {
      ms_rest += std::pow(matrix[m][i] - row[m] - column[i] + mean, 2);
    }
  }
  ms_row /= double(r - 1);
  ms_column /= double(c - 1);
  ms_rest /= double((r - 1) * (c - 1));
  const VarianceSplit split = split_matrix(matrix);
  RC_ASSERT(std::abs(split.interaction - ms_rest) < 1e-12);
  RC_ASSERT(std::abs(split.map - std::max(0.0, (ms_row - ms_rest) / double(c))) < 1e-12);
  RC_ASSERT(std::abs(split.image - std::max(0.0, (ms_column - ms_rest) / double(r))) < 1e-12);
  if (!split.map_clipped) {
    RC_ASSERT(std::abs(split.accuracy_over_maps - Accumulator(row).variance()) < 1e-12);
  }
}

// Known components: y = 1 with probability a_m b_i, a and b independent of values 0.6 or 1. With
// E a = 0.8, E a^2 = 0.68: variance of E(y | m) = 0.64 * 0.68 - 0.64^2 = 0.0256, of images the
// same.
TEST(VarianceSplit, FindsKnownComponents) {
  constexpr std::size_t r = 60, c = 80;
  Accumulator map, image, interaction;
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    RandomStream stream(21, Purpose::test, trial);
    std::vector<double> a(r), b(c);
    for (double& x : a) x = stream.below(2) ? 1 : 0.6;
    for (double& x : b) x = stream.below(2) ? 1 : 0.6;
    Matrix matrix(r, std::vector<int>(c));
    for (std::size_t m = 0; m < r; ++m) {
      for (std::size_t i = 0; i < c; ++i) matrix[m][i] = stream.uniform() < a[m] * b[i];
    }
    const VarianceSplit split = split_matrix(matrix);
    map.add(split.map);
    image.add(split.image);
    interaction.add(split.interaction);
  }
  const auto error = [](const Accumulator& x) { return 4 * x.deviation() / std::sqrt(200.0); };
  EXPECT_NEAR(map.mean(), 0.0256, error(map));
  EXPECT_NEAR(image.mean(), 0.0256, error(image));
  EXPECT_NEAR(interaction.mean(), 0.64 * 0.36 - 2 * 0.0256, error(interaction));
}

}  // namespace
}  // namespace flatenn
