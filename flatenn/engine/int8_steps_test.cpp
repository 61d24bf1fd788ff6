#include "flatenn/engine/int8_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "flatenn/engine/int8_images.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn::int8 {
namespace {

/// A network with images and a place for each block of them.
class Int8Steps : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::size_t blocks = 3;

  Int8Steps() {
    for (std::size_t b = 0; b < blocks; ++b) {
      arenas_.emplace_back(static_cast<std::size_t>(plan_->arena_bytes));
      logits_.emplace_back(static_cast<std::size_t>(plan_->classes) * cell_bytes);
      fill_borders(*plan_, arenas_.back().data());
    }
  }

  void run(const Step& step, std::size_t block) {
    run_step(step, {plan_.get(), &weights_, nullptr, block, images_.block(block),
                    arenas_[block].data(), reinterpret_cast<std::int32_t*>(windows_.data()),
                    reinterpret_cast<float*>(logits_[block].data()),
                    reinterpret_cast<float*>(values_.data())});
  }
  std::vector<std::uint8_t> answers() const {
    std::vector<std::uint8_t> all;
    for (const AlignedBytes& bytes : logits_) {
      all.insert(all.end(), bytes.data(), bytes.data() + plan_->classes * cell_bytes);
    }
    return all;
  }

  const Graph graph_ = random_graph(GetParam());
  const Dataset data_ =
      random_dataset(std::get<Input>(graph_.nodes[0].op), blocks* images_per_block, 1);
  std::shared_ptr<const Plan> plan_ = std::make_shared<const Plan>(
      compile(random_model(graph_, GetParam()), *portable_kernels(), true));
  PackedWeights weights_{plan_};
  PreparedImages images_{data_, plan_->buffers[0]};
  AlignedBytes windows_{window_bytes(*plan_)};
  AlignedBytes values_{value_bytes(*plan_)};
  std::vector<AlignedBytes> arenas_, logits_;
};

TEST_P(Int8Steps, LayerByLayerGivesTheSameAsBlockByBlock) {
  for (std::size_t b = 0; b < blocks; ++b) {
    for (const Step& step : plan_->steps) run(step, b);
  }
  const std::vector<std::uint8_t> by_block = answers();
  for (const AlignedBytes& bytes : logits_) {
    std::fill_n(bytes.data(), plan_->classes * cell_bytes, std::uint8_t{0});
  }
  for (const Step& step : plan_->steps) {
    for (std::size_t b = 0; b < blocks; ++b) run(step, b);
  }
  EXPECT_EQ(answers(), by_block);
  EXPECT_GT(std::ranges::count_if(by_block, [](std::uint8_t byte) { return byte != 0; }), 0);
}

/// Every byte outside the pixels is still a zero point, whatever ran: paddings rely on it.
TEST_P(Int8Steps, BordersStay) {
  for (const Step& step : plan_->steps) {
    run(step, 0);
    const int b = buffer_written(step);
    if (b == logits) continue;
    const Buffer& buffer = plan_->buffers[static_cast<std::size_t>(b)];
    if (buffer.pad == 0 || buffer.shape.channels % 4 != 0) continue;
    const std::uint8_t* cells = arenas_[0].data() + plan_->places[static_cast<std::size_t>(b)];
    for (std::size_t g = 0; g < buffer.groups.size(); ++g, cells += buffer.group_stride()) {
      for (const int y : {-1, buffer.shape.height}) {
        const std::span border(cells + buffer.offset(y, -1), cell_bytes);
        EXPECT_TRUE(
            std::ranges::all_of(border, [&](int byte) { return byte == buffer.zero_point; }));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Int8Steps, testing::Range<std::uint64_t>(0, 12));

TEST(ValueBytes, AreTheLargestNormalisedLayers) {
  NetworkOptions options;
  options.input = {1, 8, 8, 1.0f, 0};
  options.hidden = {4, 9};
  for (const Normalization norm : {Normalization::none, Normalization::group}) {
    options.norm = norm;
    const Plan plan = compile(random_model(mlp(options), 1), *portable_kernels(), true);
    // Nine values and the two statistics of one group, 16 floats each.
    EXPECT_EQ(value_bytes(plan), norm == Normalization::group ? 11u * 16u * 4u : 0u);
  }
}

TEST(WindowBytes, AreTheLargestLayersWithAnOffset) {
  NetworkOptions options;
  options.input = {1, 8, 8, 1.0f, 0};
  options.hidden = {4};
  for (const bool offset : {false, true}) {
    options.weights = {offset ? WeightQuantizer::saq : WeightQuantizer::lsq,
                       {4, offset ? Encoding::offset_binary : Encoding::twos_complement, false}};
    const Plan plan = compile(random_model(mlp(options), 1), *portable_kernels(), true);
    EXPECT_EQ(window_bytes(plan), offset ? 16u * 4u : 0u);
  }
}

}  // namespace
}  // namespace flatenn::int8
