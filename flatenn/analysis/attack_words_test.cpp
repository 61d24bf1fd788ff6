#include "flatenn/analysis/attack_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "flatenn/memory/memory_image.h"

namespace flatenn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<CodeFormat> all_formats() {
  return {{.bits = 4},
          {.bits = 4, .saturating = true},
          {.bits = 3, .encoding = Encoding::offset_binary},
          {.bits = 5, .encoding = Encoding::sign_magnitude},
          {.bits = 8}};
}

/// Two tensors of random codes: one of the format, one of four bits.
Model random_words(const CodeFormat& format) {
  Model model;
  RandomStream draws(5, Purpose::test, 0);
  for (const auto& [name, of] : {std::pair{"a.weight", format}, {"b.weight", {.bits = 4}}}) {
    std::vector<std::int8_t> codes;
    for (int i = 0; i < 40; ++i) {
      const auto codes_of = static_cast<std::uint64_t>(of.max_code() - of.min_code() + 1);
      codes.push_back(
          static_cast<std::int8_t>(of.min_code() + static_cast<int>(draws.below(codes_of))));
    }
    model.weights.push_back({0, name, {8, 5}, of, 0.25f, 0, std::move(codes)});
  }
  return model;
}

std::vector<float> random_slopes(std::size_t count, std::uint64_t index) {
  RandomStream draws(6, Purpose::test, index);
  std::vector<float> slopes;
  for (std::size_t i = 0; i < count; ++i) slopes.push_back(static_cast<float>(draws.normal()));
  return slopes;
}

TEST(AttackWords, ReadWhatTheMemoryReads) {
  for (const CodeFormat& format : all_formats()) {
    const Model model = random_words(format);
    MemoryImage memory(model);
    const Exposure all = memory.expose_all();
    AttackWords words(model, all);
    RandomCells cells(all, RandomStream(7, Purpose::test, 0));
    AppliedFaults applied;
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t address = cells.next().value();
      const Cell cell = memory.cell(address);
      const auto tensor = static_cast<std::size_t>(cell.tensor);
      const int before = memory.code(cell.tensor, cell.element);
      const int change = words.change(address);
      words.flip(address);
      memory.apply(std::vector<Fault>{{address, false}}, FaultKind::flip, all, applied);
      EXPECT_EQ(words.code(tensor, cell.element), memory.code(cell.tensor, cell.element));
      EXPECT_EQ(before + change, words.code(tensor, cell.element));
      EXPECT_EQ(words.stored_code(tensor, cell.element), model.weights[tensor].codes[cell.element]);
    }
  }
}

/// All exposed bits that are not flipped, by trying each.
std::vector<BitCandidate> every_bit(AttackWords words, const Model& model, const Exposure& exposure,
                                    const std::set<std::uint64_t>& flipped, std::size_t tensor,
                                    const std::vector<float>& slopes) {
  std::vector<BitCandidate> all;
  for (std::uint64_t i = 0; i < exposure.bits(); ++i) {
    const std::uint64_t address = exposed_cell(exposure, i);
    const Cell cell = words.cell(address);
    if (flipped.contains(address) || static_cast<std::size_t>(cell.tensor) != tensor) continue;
    const int before = words.code(tensor, cell.element);
    words.flip(address);
    const int change = words.code(tensor, cell.element) - before;
    words.flip(address);
    const double gain = double(slopes[cell.element]) * double(model.weights[tensor].scale) * change;
    if (gain > 0) all.push_back({address, gain});
  }
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.gain > b.gain; });
  return all;
}

TEST(AttackWords, BestBitsAreThoseOfASortOfAll) {
  for (const CodeFormat& format : all_formats()) {
    const Model model = random_words(format);
    const MemoryLayout layout(model);
    for (const std::vector<std::string>& patterns :
         {std::vector<std::string>{}, {"a.*:0-1", "b.*:top"}}) {
      const Exposure exposure = layout.expose(patterns);
      AttackWords words(model, exposure);
      std::set<std::uint64_t> flipped;
      RandomCells cells(exposure, RandomStream(8, Purpose::test, 0));
      while (flipped.size() < 30) {
        const std::uint64_t address = cells.next().value();
        flipped.insert(address);
        words.flip(address);
      }
      for (std::size_t tensor = 0; tensor < 2; ++tensor) {
        const std::vector<float> slopes = random_slopes(40, tensor);
        const auto all = every_bit(words, model, exposure, flipped, tensor, slopes);
        for (const std::size_t count : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
          const auto best = words.best_bits(tensor, slopes, count);
          ASSERT_EQ(best.size(), std::min(count, all.size()));
          for (std::size_t i = 0; i < best.size(); ++i) EXPECT_EQ(best[i], all[i]);
        }
      }
    }
  }
}

/// The moves that AttackWords::project makes flips of, by hand.
TEST(AttackWords, ProjectionKeepsTheTopBitThatDiffers) {
  Model model;
  model.weights.push_back({0, "a.weight", {1, 4}, {.bits = 4}, 1, 0, {3, -2, 0, 7}});
  const MemoryLayout layout(model);
  const AttackWords words(model, layout.expose({}));
  const auto project = [&](std::vector<float> moves, std::size_t budget) {
    return words.project(std::vector<std::vector<float>>{std::move(moves)}, budget);
  };
  // 3 = 0011 becomes 5 = 0101: bit 2 differs most. -2 = 1110 becomes 1 = 0001: bit 3.
  EXPECT_THAT(project({0.25f, 3.0f / 8, 0, 0}, 4), ElementsAre(2, 4 + 3));
  // The budget goes to the code that moves further, here by 3 against 2.
  EXPECT_THAT(project({0.25f, 3.0f / 8, 0, 0}, 1), ElementsAre(4 + 3));
  // Rounded to the same distance, the unrounded one decides.
  EXPECT_THAT(project({0.26f, 0, -0.25f, 0}, 1), ElementsAre(2));
  EXPECT_THAT(project({0.25f, 0, -0.26f, 0}, 1), ElementsAre(8 + 3));
  // Less than half a code is no move; beyond the range it ends; no budget, no flip.
  EXPECT_THAT(project({0.06f, 0, 0, 9}, 4), IsEmpty());
  EXPECT_THAT(project({1, 1, 1, 1}, 0), IsEmpty());
}

TEST(AttackWords, ProjectionFlipsNothingThatIsNotRead) {
  Model model;
  model.weights.push_back(
      {0, "a.weight", {1, 2}, {.bits = 4, .encoding = Encoding::sign_magnitude}, 1, 0, {0, 1}});
  const MemoryLayout layout(model);
  const AttackWords words(model, layout.expose({}));
  // 0 is to become -2: its sign alone gives minus zero, its other bits lead to the wrong side.
  EXPECT_THAT(words.project(std::vector<std::vector<float>>{{-0.25f, 0}}, 2), IsEmpty());
  // 1 is to become -2: the sign does it.
  EXPECT_THAT(words.project(std::vector<std::vector<float>>{{0, -0.375f}}, 2), ElementsAre(4 + 3));
}

TEST(AttackWords, ProjectionStaysWithinBudgetExposureAndOneFlipAWeight) {
  for (const CodeFormat& format : all_formats()) {
    const Model model = random_words(format);
    const MemoryLayout layout(model);
    for (const std::vector<std::string>& patterns :
         {std::vector<std::string>{}, {"*:0-1"}, {"b.*:top"}}) {
      const Exposure exposure = layout.expose(patterns);
      AttackWords words(model, exposure);
      std::vector<std::vector<float>> moves;
      for (std::size_t t = 0; t < 2; ++t) {
        moves.push_back(words.mask(t) == 0 ? std::vector<float>() : random_slopes(40, 10 + t));
      }
      std::size_t most = 0;
      for (std::size_t budget = 0; budget <= 90; budget += 9) {
        const auto flips = words.project(moves, budget);
        EXPECT_LE(flips.size(), budget);
        EXPECT_GE(flips.size(), most);
        most = flips.size();
        std::set<std::pair<int, std::uint64_t>> touched;
        for (const std::uint64_t address : flips) {
          const Cell cell = layout.cell(address);
          EXPECT_TRUE(exposure.contains(address));
          EXPECT_TRUE(touched.insert({cell.tensor, cell.element}).second);
          const float move = moves[static_cast<std::size_t>(cell.tensor)][cell.element];
          EXPECT_GT(static_cast<float>(words.change(address)) * move, 0);
        }
      }
      EXPECT_GT(most, 5u);
    }
  }
}

TEST(RandomCells, GiveEveryExposedCellOnce) {
  const Model model = random_words({.bits = 4});
  const Exposure exposure =
      MemoryLayout(model).expose(std::vector<std::string>{"a.*:1", "b.*:2-3"});
  std::vector<std::uint64_t> drawn;
  RandomCells cells(exposure, RandomStream(3, Purpose::test, 1));
  while (const auto address = cells.next()) drawn.push_back(*address);
  EXPECT_FALSE(std::ranges::is_sorted(drawn));
  std::ranges::sort(drawn);
  ASSERT_EQ(drawn.size(), exposure.bits());
  for (std::uint64_t i = 0; i < exposure.bits(); ++i) {
    EXPECT_EQ(drawn[i], exposed_cell(exposure, i));
    EXPECT_TRUE(exposure.contains(drawn[i]));
  }
}

TEST(RandomCells, AreUniform) {
  const Model model = random_words({.bits = 4});
  const Exposure exposure = MemoryLayout(model).expose(std::vector<std::string>{"a.*:1"});
  std::vector<int> counts(40);
  for (std::uint64_t i = 0; i < 4000; ++i) {
    RandomCells cells(exposure, RandomStream(3, Purpose::test, i));
    cells.next();
    ++counts[(cells.next().value() - 1) / 4];
  }
  for (const int count : counts) EXPECT_NEAR(count, 100, 50);  // five standard deviations
}

}  // namespace
}  // namespace flatenn
