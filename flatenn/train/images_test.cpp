#include "flatenn/train/images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

/// Three images of 2x1x2 pixels.
Dataset three_images() {
  Dataset data;
  data.channels = 2;
  data.height = 1;
  data.width = 2;
  data.classes = 3;
  data.images = {10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33};
  data.labels = {0, 1, 2};
  return data;
}

TEST(MakeBatch, PutsImagesInnermost) {
  const Dataset data = three_images();
  const Input input{.channels = 2, .height = 1, .width = 2, .scale = 0.5f, .zero_point = 20};
  const Batch batch = make_batch(data, input, data.images, data.labels, torch::kCPU);
  ASSERT_EQ(batch.pixels.sizes(), (std::vector<std::int64_t>{2, 1, 2, 3}));
  for (int channel = 0; channel < 2; ++channel) {
    for (int x = 0; x < 2; ++x) {
      for (int image = 0; image < 3; ++image) {
        EXPECT_EQ(batch.pixels[channel][0][x][image].item<float>(),
                  0.5f * (10 * (image + 1) + 2 * channel + x - 20));
      }
    }
  }
  EXPECT_EQ(batch.labels[2].item<std::int64_t>(), 2);
}

TEST(Evaluate, CountsOverPartialBatchesToo) {
  const Dataset data = load_dataset("synthetic", Split::train);
  const Dataset odd = data.slice(0, 300);  // more than one batch, the last one not full
  const PixelScale pixels = pixel_scale("synthetic");
  NetworkOptions options;
  options.input = {odd.channels, odd.height, odd.width, pixels.scale, pixels.zero_point};
  options.hidden = {8};
  Module module(mlp(options), 1, torch::kCPU);
  const Answers answers = evaluate(module, odd, torch::kCPU, true);
  EXPECT_EQ(answers.images, 300u);
  EXPECT_EQ(answers.activations, 300 * 8);
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < odd.size(); ++i) {
    correct += evaluate(module, odd.slice(i, 1), torch::kCPU, true).correct;
  }
  EXPECT_EQ(answers.correct, correct);
  EXPECT_DOUBLE_EQ(answers.accuracy(), 100.0 * static_cast<double>(correct) / 300);
}

}  // namespace
}  // namespace flatenn
