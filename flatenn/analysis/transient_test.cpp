#include "flatenn/analysis/transient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/train/testing.h"
#include "flatenn/train/trainer.h"

namespace flatenn {
namespace {

class TransientTest : public testing::Test {
 protected:
  TransientTest() : model_(train(settings_, data_, folder_.path())) {}
  TransientResult measure(std::vector<double> errors, MaskShape shape = MaskShape::line) const {
    TransientSettings settings;
    settings.errors = std::move(errors);
    settings.shape = shape;
    return measure_transient(settings, model_, data_.train);
  }

  TrainSettings settings_ = testing_train::small_settings();
  TrainData data_ = load_train_data(settings_);
  TemporaryFolder folder_;
  Model model_;
};

TEST_F(TransientTest, LargerErrorsChangeMoreAnswers) {
  const TransientResult result = measure({0.5, 3, 1000});
  ASSERT_EQ(result.cells.size(), 3u);
  EXPECT_EQ(result.images, data_.train.size() / 100 * 100);
  double before = 0;
  for (const TransientCell& cell : result.cells) {
    EXPECT_GT(cell.changed.mean, before);
    before = cell.changed.mean;
    ASSERT_EQ(cell.layers.size(), model_.weights.size());
    double mean = 0;
    for (const TransientLayer& layer : cell.layers) mean += layer.changed;
    EXPECT_NEAR(mean / static_cast<double>(cell.layers.size()), cell.changed.mean, 1e-9);
    EXPECT_LT(cell.accuracy.mean, result.clean);
  }
}

TEST_F(TransientTest, IsAFunctionOfItsSettings) {
  const TransientResult a = measure({10}), b = measure({10, 20});
  EXPECT_EQ(a.cells[0].changed.mean, b.cells[0].changed.mean);
  EXPECT_LT(measure({10}, MaskShape::pixel).cells[0].changed.mean, 100);
}

/// An error that nothing clips goes on through all layers behind.
TEST_F(TransientTest, ClippingHoldsErrorsBack) {
  TransientSettings settings;
  settings.errors = {1000};
  const TransientResult clipped = measure_transient(settings, model_, data_.train);
  settings.clips = false;
  const TransientResult open = measure_transient(settings, model_, data_.train);
  EXPECT_GT(open.cells[0].changed.mean, clipped.cells[0].changed.mean);
  EXPECT_GT(open.cells[0].layers[0].changed, clipped.cells[0].layers[0].changed);
  EXPECT_NEAR(open.clean, clipped.clean, 10);
}

TEST_F(TransientTest, MistakesAreErrors) {
  EXPECT_THROW(measure({}), Error);
  EXPECT_THROW(measure({std::numeric_limits<double>::quiet_NaN()}), Error);
  TransientSettings settings;
  settings.images = 100;
  EXPECT_THROW(measure_transient(settings, model_, data_.train), Error);
  settings.images = data_.train.size() + 1;
  EXPECT_THROW(measure_transient(settings, model_, data_.train), Error);
}

}  // namespace
}  // namespace flatenn
