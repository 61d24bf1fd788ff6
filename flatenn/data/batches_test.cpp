#include "flatenn/data/batches.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>

#include "flatenn/data/synthetic.h"

namespace flatenn {
namespace {

struct Batch {
  std::vector<std::uint8_t> pixels, labels;
};

Batch gather(const Dataset& data, const std::vector<std::uint32_t>& indices,
             const Augmentation& augmentation, std::uint64_t epoch = 0, std::uint64_t seed = 1) {
  constexpr std::uint8_t fill = 77;
  Batch batch;
  batch.pixels.resize(indices.size() * data.image_bytes());
  batch.labels.resize(indices.size());
  gather_batch(data, indices, augmentation, fill, seed, epoch, batch.pixels, batch.labels);
  return batch;
}

// One image whose every pixel is different, so that a placement can be read off.
Dataset numbered(int height, int width) {
  Dataset data;
  data.height = height;
  data.width = width;
  data.images.resize(static_cast<std::size_t>(height) * width);
  std::iota(data.images.begin(), data.images.end(), std::uint8_t{100});
  data.labels = {0};
  return data;
}

RC_GTEST_PROP(EpochOrder, is_a_permutation_keyed_by_seed_and_epoch, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(0, 200);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto order = epoch_order(count, seed, 3);
  RC_ASSERT(order == epoch_order(count, seed, 3));
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < count; ++i) RC_ASSERT(sorted[i] == i);
  if (count > 20) {
    RC_ASSERT(order != epoch_order(count, seed, 4));
    RC_ASSERT(order != epoch_order(count, seed + 1, 3));
  }
}

TEST(GatherBatch, without_augmentation_copies_images_and_labels) {
  const Dataset data = make_synthetic({}, 0, 20);
  const Batch batch = gather(data, {7, 3, 7}, {});
  EXPECT_EQ(batch.labels, (std::vector<std::uint8_t>{7, 3, 7}));
  const auto first = std::span(batch.pixels).first(data.image_bytes());
  EXPECT_TRUE(std::ranges::equal(first, data.image(7)));
  EXPECT_TRUE(std::ranges::equal(std::span(batch.pixels).last(data.image_bytes()), first));
}

RC_GTEST_PROP(GatherBatch, draws_do_not_depend_on_the_batch_an_image_is_in, ()) {
  static const Dataset data = make_synthetic({.channels = 2, .height = 6, .width = 5}, 0, 30);
  const Augmentation augmentation = {.pad = 2, .flip = true};
  const auto indices =
      *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 30));
  const auto epoch = *rc::gen::inRange<std::uint64_t>(0, 5);
  const Batch together = gather(data, indices, augmentation, epoch);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const Batch alone = gather(data, {indices[i]}, augmentation, epoch);
    const auto part =
        std::span(together.pixels).subspan(i * data.image_bytes(), data.image_bytes());
    RC_ASSERT(std::ranges::equal(part, alone.pixels));
  }
}

TEST(GatherBatch, flip_mirrors_half_of_the_images_and_in_the_next_epoch_the_others) {
  constexpr int count = 400;
  const Dataset one = numbered(2, 3);
  Dataset data = one;
  for (int i = 1; i < count; ++i) {
    data.images.insert(data.images.end(), one.images.begin(), one.images.end());
    data.labels.push_back(0);
  }
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0U);
  const std::vector<std::uint8_t> mirror = {102, 101, 100, 105, 104, 103};
  std::vector<Batch> epochs;
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    epochs.push_back(gather(data, all, {.flip = true}, epoch));
  }
  int flipped = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto seen = [&](std::size_t epoch) {
      return std::vector(epochs[epoch].pixels.begin() + i * 6,
                         epochs[epoch].pixels.begin() + (i + 1) * 6);
    };
    const bool first = seen(0) == mirror;
    flipped += first;
    for (std::size_t epoch = 0; epoch < 4; ++epoch) {
      const bool flips = first == (epoch % 2 == 0);
      ASSERT_EQ(seen(epoch), flips ? mirror : one.images);
    }
  }
  EXPECT_NEAR(flipped, count / 2, 40);  // four standard deviations
}

// Every crop of the padded image must come up, and nothing else.
TEST(GatherBatch, pad_and_crop_gives_every_shift_about_equally_often) {
  const Dataset data = numbered(3, 4);
  std::vector<int> seen(9);
  for (std::uint64_t epoch = 0; epoch < 900; ++epoch) {
    const Batch batch = gather(data, {0}, {.pad = 1}, epoch);
    int found = -1;
    for (int shift = 0; shift < 9; ++shift) {
      const int dy = shift / 3 - 1, dx = shift % 3 - 1;
      std::vector<std::uint8_t> expected;
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 4; ++x) {
          const bool inside = y + dy >= 0 && y + dy < 3 && x + dx >= 0 && x + dx < 4;
          expected.push_back(inside ? data.images[(y + dy) * 4 + x + dx] : 77);
        }
      }
      if (batch.pixels == expected) found = shift;
    }
    ASSERT_NE(found, -1);
    ++seen[found];
  }
  for (int count : seen) EXPECT_NEAR(count, 100, 40);
}

TEST(GatherBatch, padding_wider_than_the_image_gives_shifts_out_of_it_too) {
  const Dataset data = numbered(2, 2);
  bool blank = false;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    const Batch batch = gather(data, {0}, {.pad = 5, .flip = true}, epoch);
    blank = blank || batch.pixels == std::vector<std::uint8_t>(4, 77);
  }
  EXPECT_TRUE(blank);
}

TEST(GatherBatch, augmentation_changes_with_epoch_and_seed) {
  const Dataset data = make_synthetic({}, 0, 30);
  std::vector<std::uint32_t> all(30);
  std::iota(all.begin(), all.end(), 0u);
  const Augmentation augmentation = {.pad = 2};
  EXPECT_NE(gather(data, all, augmentation, 0).pixels, gather(data, all, augmentation, 1).pixels);
  EXPECT_NE(gather(data, all, augmentation, 0, 1).pixels,
            gather(data, all, augmentation, 0, 2).pixels);
}

}  // namespace
}  // namespace flatenn
