#include "flatenn/engine/make_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class MakeEvaluatorTest : public testing::Test {
 protected:
  MakeEvaluatorTest() { model_.info.name = "net"; }

  static NetworkOptions options() {
    NetworkOptions options;
    options.input = {1, 6, 6, 1.0f / 255, 0};
    options.hidden = {8};
    return options;
  }
  Model model_ = random_model(mlp(options()), 1);
  Dataset images_ = random_dataset(options().input, 10, 2);
};

TEST_F(MakeEvaluatorTest, TheNamedOneAndIntegersByDefault) {
  EXPECT_EQ(make_evaluator(Engine::torch, model_, images_)->name(), "torch");
  EXPECT_EQ(make_evaluator(Engine::reference, model_, images_)->name(), "reference");
  EXPECT_EQ(make_evaluator(Engine::int8, model_, images_)->name(),
            make_evaluator(Engine::automatic, model_, images_)->name());
}

TEST_F(MakeEvaluatorTest, AllAnswerTheSameWhateverIsExposed) {
  std::vector<std::uint8_t> expected(images_.size()), answers(images_.size());
  make_evaluator(Engine::reference, model_, images_)->classify(0, images_.size(), expected);
  MemoryParts everything;
  everything.biases = everything.activations = true;
  for (const Engine engine : {Engine::torch, Engine::int8, Engine::automatic}) {
    for (const MemoryParts& exposed : {MemoryParts{}, everything}) {
      make_evaluator(engine, model_, images_, exposed)->classify(0, images_.size(), answers);
      EXPECT_EQ(answers, expected) << to_string(engine);
    }
  }
}

TEST_F(MakeEvaluatorTest, ImagesThatDoNotFitAreNamed) {
  Dataset wide = images_;
  wide.height = 4;
  wide.width = 9;
  EXPECT_THAT([&] { make_evaluator(Engine::int8, model_, wide); },
              ThrowsMessage<Error>(HasSubstr("network 'net' reads 1x6x6 images, but data set")));
  Dataset many = images_;
  many.classes = 11;
  EXPECT_THAT([&] { check_images(model_, many); },
              ThrowsMessage<Error>(HasSubstr("network 'net' knows 10 classes, but data set")));
}

}  // namespace
}  // namespace flatenn
