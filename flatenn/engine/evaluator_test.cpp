#include "flatenn/engine/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flatenn/base/error.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

class FakeEvaluator final : public Evaluator {
 public:
  void write(std::span<const CodeWrite>) override {}
  void classify(std::size_t first, std::size_t count, std::span<std::uint8_t> classes) override {
    for (std::size_t i = 0; i < count; ++i) {
      classes[i] = static_cast<std::uint8_t>((first + i) % 3);
    }
  }
  NodeTrace trace(int, std::size_t, std::size_t) override { return {}; }
  std::unique_ptr<Evaluator> clone() const override { return nullptr; }
  std::string_view name() const override { return "fake"; }
};

TEST(Evaluator, CountsWhatAgreesWithTheLabels) {
  Dataset data;
  data.labels = {0, 1, 0, 1, 1, 2, 0, 1};
  FakeEvaluator fake;
  // Answers: 0 1 2 0 1 2 0 1.
  EXPECT_EQ(count_correct(fake, data, 0, 8), 6u);
  EXPECT_EQ(count_correct(fake, data, 2, 3), 1u);
  EXPECT_EQ(count_correct(fake, data, 8, 0), 0u);
  EXPECT_EQ(accuracy(fake, data), 75.0);
  EXPECT_THROW(count_correct(fake, data, 7, 2), InternalError);
}

TEST(Evaluator, SparsityWeighsElements) {
  NetworkOptions options{.input = {.height = 28, .width = 28}};
  const Model model = random_model(lenet5(options), 3);
  const Dataset data = random_dataset(options.input, 7, 1);
  const auto evaluator = make_reference_evaluator(model, data);
  std::uint64_t zeros = 0;
  std::uint64_t codes = 0;
  for (const char* name : {"conv1_act", "conv2_act", "fc1_act", "fc2_act"}) {
    const NodeTrace trace = evaluator->trace(model.graph.find(name), 0, 7);
    for (const std::int32_t code : trace.codes) zeros += code == 0;
    codes += trace.codes.size();
  }
  ASSERT_EQ(codes, 7u * (6 * 28 * 28 + 16 * 10 * 10 + 120 + 84));
  EXPECT_DOUBLE_EQ(activation_sparsity(*evaluator, model, data),
                   100.0 * static_cast<double>(zeros) / static_cast<double>(codes));
}

TEST(Evaluator, EngineNames) {
  for (const Engine engine : {Engine::automatic, Engine::torch, Engine::int8, Engine::reference}) {
    EXPECT_EQ(parse_engine(to_string(engine)), engine);
  }
  EXPECT_EQ(parse_engine("int8"), Engine::int8);
  try {
    parse_engine("float");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "unknown engine 'float'; known: automatic, torch, int8, reference");
  }
}

}  // namespace
}  // namespace flatenn
