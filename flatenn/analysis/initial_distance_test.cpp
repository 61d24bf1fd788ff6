#include "flatenn/analysis/initial_distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "flatenn/base/testing.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

class InitialDistanceTest : public testing::Test {
 protected:
  Model trained(const TrainSettings& settings, const std::string& name) {
    return train(settings, data_, folder_ / name);
  }
  TrainSettings settings_ = testing_train::small_settings();
  TrainData data_ = load_train_data(settings_);
  TemporaryFolder folder_;
};

TEST_F(InitialDistanceTest, GrowsWithTraining) {
  TrainSettings barely = settings_;
  barely.epochs = 1;
  barely.optimizer.learning_rate = 1e-9;  // what is left is rounding to four bits
  const auto near = initial_distances(trained(barely, "near"), data_.test);
  const auto far = initial_distances(trained(settings_, "far"), data_.test);
  ASSERT_EQ(near.size(), 2u);
  ASSERT_EQ(far.size(), 2u);
  EXPECT_EQ(far[0].tensor, near[0].tensor);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_GT(near[t].relative, 0);
    EXPECT_LT(near[t].relative, 0.3);
    EXPECT_GT(far[t].relative, near[t].relative);
  }
}

TEST_F(InitialDistanceTest, UnknownWhereTheRecipeDoesNotSay) {
  Model model = trained(settings_, "a");
  const nlohmann::json recipe = nlohmann::json::parse(model.info.recipe);
  for (const std::string text : {"{}", "[]", "", "{\"network\": {\"name\": \"nothing\"}}"}) {
    model.info.recipe = text;
    EXPECT_TRUE(initial_distances(model, data_.test).empty()) << text;
  }
  nlohmann::json other = recipe;
  other["network"]["hidden"] = {25};  // another shape than the model's
  model.info.recipe = other.dump();
  EXPECT_TRUE(initial_distances(model, data_.test).empty());
}

TEST_F(InitialDistanceTest, UnknownForWeightsInUnitsOfTheirOwn) {
  TrainSettings saq = settings_;
  saq.network.quantizer = WeightQuantizer::saq;
  EXPECT_TRUE(initial_distances(trained(saq, "saq"), data_.test).empty());
}

}  // namespace
}  // namespace flatenn
