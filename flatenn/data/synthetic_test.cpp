#include "flatenn/data/synthetic.h"

#include <gtest/gtest.h>

#include <limits>

namespace flatenn {
namespace {

TEST(Synthetic, images_depend_on_seed_and_index_alone) {
  const Dataset all = make_synthetic({}, 0, 50), part = make_synthetic({}, 20, 10);
  EXPECT_EQ(part.hash(), all.slice(20, 10).hash());
  SyntheticOptions other;
  other.seed = 1;
  EXPECT_NE(make_synthetic(other, 0, 50).hash(), all.hash());
}

TEST(Synthetic, has_the_asked_shape_and_labels_in_turn) {
  const SyntheticOptions options = {.channels = 3, .height = 8, .width = 7, .classes = 4};
  const Dataset data = make_synthetic(options, 2, 9);
  EXPECT_EQ(data.image_bytes(), 3u * 8 * 7);
  EXPECT_EQ(data.images.size(), 9u * data.image_bytes());
  EXPECT_EQ(data.labels, (std::vector<std::uint8_t>{2, 3, 0, 1, 2, 3, 0, 1, 2}));
  EXPECT_EQ(data.class_names.size(), 4u);
}

// Class means of the training images, then the nearest one: the simplest learner there is.
TEST(Synthetic, is_learnable) {
  const Dataset train = load_dataset("synthetic", Split::train);
  const Dataset test = load_dataset("synthetic", Split::test);
  std::vector<std::vector<double>> mean(10, std::vector<double>(train.image_bytes()));
  for (std::size_t i = 0; i < train.size(); ++i) {
    const auto image = train.image(i);
    for (std::size_t p = 0; p < image.size(); ++p) {
      mean[train.labels[i]][p] += image[p] / (static_cast<double>(train.size()) / 10);
    }
  }
  std::size_t correct = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    int best = -1;
    double least = std::numeric_limits<double>::infinity();
    for (int label = 0; label < 10; ++label) {
      double distance = 0;
      for (std::size_t p = 0; p < test.image_bytes(); ++p) {
        const double d = test.image(i)[p] - mean[label][p];
        distance += d * d;
      }
      if (distance < least) least = distance, best = label;
    }
    correct += best == test.labels[i];
  }
  EXPECT_GE(correct, 190u);
}

}  // namespace
}  // namespace flatenn
