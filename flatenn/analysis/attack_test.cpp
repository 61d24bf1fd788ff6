#include "flatenn/analysis/attack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/memory/memory_image.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

AttackSettings small() {
  AttackSettings settings;
  settings.flips = {1, 5, 20};
  settings.restarts = 2;
  settings.images = 50;
  settings.test_images = 100;
  settings.steps = 6;
  settings.threads = 1;
  return settings;
}

/// A network that was trained for a moment.
class AttackTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const TrainSettings settings = testing_train::small_settings();
    const TrainData data = load_train_data(settings);
    const TemporaryFolder folder;
    model_ = new Model(train(settings, data, folder.path()));
    known_ = new Dataset(data.validation);
    test_ = new Dataset(data.test);
  }
  static void TearDownTestSuite() {
    delete model_;
    delete known_;
    delete test_;
  }

  static AttackInput input(const Model& model = *model_) {
    return {"small", model, *known_, "validation", *test_, "test"};
  }
  static std::string error(const AttackSettings& settings) {
    try {
      attack(settings, input());
    } catch (const Error& mistake) {
      return mistake.what();
    }
    return "no error";
  }
  /// Images classified rightly by the definition with these bits flipped in a copy of the model.
  static std::uint64_t naive_correct(const Model& model, const std::vector<std::uint64_t>& cells,
                                     const Dataset& images) {
    const MemoryLayout layout(model);
    Model flipped = model;
    std::vector<std::vector<std::uint8_t>> words;
    for (const WeightTensor& tensor : model.weights) {
      auto& of = words.emplace_back();
      for (const std::int8_t code : tensor.codes) of.push_back(encode(tensor.format, code));
    }
    for (const std::uint64_t address : cells) {
      const Cell cell = layout.cell(address);
      const auto t = static_cast<std::size_t>(cell.tensor);
      words[t][cell.element] ^= static_cast<std::uint8_t>(1u << cell.bit);
      flipped.weights[t].codes[cell.element] =
          decode(model.weights[t].format, words[t][cell.element]);
    }
    const auto evaluator = make_evaluator(Engine::reference, flipped, images);
    return count_correct(*evaluator, images, 0, images.size());
  }

  static Model* model_;
  static Dataset *known_, *test_;
};
Model* AttackTest::model_ = nullptr;
Dataset* AttackTest::known_ = nullptr;
Dataset* AttackTest::test_ = nullptr;

TEST_F(AttackTest, HoldsWhatWasAskedFor) {
  const AttackResult result = attack(small(), input());
  EXPECT_EQ(result.label, "small");
  EXPECT_EQ(result.model_hash, model_hash(*model_));
  EXPECT_EQ(result.known_images, 50u);
  EXPECT_EQ(result.test_images, 100u);
  EXPECT_EQ(result.test_hash, test_->slice(0, 100).hash());
  EXPECT_EQ(result.known_hash, known_->slice(0, 50).hash());
  EXPECT_EQ(result.tensors, (std::vector<std::string>{"fc1.weight", "fc2.weight"}));
  EXPECT_EQ(result.exposed_bits, result.memory_bits);
  ASSERT_EQ(result.outcomes.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) {
    const AttackOutcome& outcome = result.outcomes[i];
    EXPECT_EQ(outcome.budget, (std::vector<std::uint64_t>{1, 5, 20})[i / 3]);
    EXPECT_EQ(outcome.method, small().chosen_methods()[i % 3]);
    EXPECT_EQ(outcome.runs.size(), outcome.method == AttackMethod::progressive ? 1u : 2u);
    for (const AttackRun& run : outcome.runs) {
      EXPECT_LE(run.cells.size(), outcome.budget);
      EXPECT_EQ(run.layers[0] + run.layers[1], run.cells.size());
      EXPECT_GE(outcome.strongest().known.loss, run.known.loss);
      EXPECT_LE(outcome.fewest_correct(), run.correct);
    }
    EXPECT_LE(static_cast<double>(outcome.fewest_correct()), outcome.mean_correct());
  }
}

TEST_F(AttackTest, DamageIsThatOfTheIntegerNetworkInEveryEncoding) {
  for (const Encoding encoding :
       {Encoding::twos_complement, Encoding::offset_binary, Encoding::sign_magnitude}) {
    Model model = *model_;
    for (Node& node : model.graph.nodes) {
      if (auto* linear = std::get_if<Linear>(&node.op)) linear->weights.code.encoding = encoding;
    }
    for (WeightTensor& tensor : model.weights) {
      tensor.format.encoding = encoding;
      for (std::int8_t& code : tensor.codes) {
        code = std::max(code, static_cast<std::int8_t>(tensor.format.min_code()));
      }
    }
    check_model(model);
    const AttackResult result = attack(small(), input(model));
    const Dataset known = known_->slice(0, 50), test = test_->slice(0, 100);
    EXPECT_EQ(result.clean_correct, naive_correct(model, {}, test));
    for (const AttackOutcome& outcome : result.outcomes) {
      for (const AttackRun& run : outcome.runs) {
        EXPECT_EQ(run.correct, naive_correct(model, run.cells, test));
        EXPECT_EQ(run.known.accuracy,
                  2 * static_cast<double>(naive_correct(model, run.cells, known)));
      }
    }
  }
}

TEST_F(AttackTest, MaliceIsWorseThanChance) {
  AttackSettings settings = small();
  settings.flips = {20};
  settings.steps = 20;
  const AttackResult result = attack(settings, input());
  const AttackOutcome &progressive = result.outcomes[0], &gradient = result.outcomes[1],
                      &random = result.outcomes[2];
  EXPECT_GT(progressive.strongest().known.loss, 3 * random.strongest().known.loss);
  EXPECT_GT(gradient.strongest().known.loss, 3 * random.strongest().known.loss);
  EXPECT_LT(progressive.fewest_correct() + 20, random.fewest_correct());
  EXPECT_LT(gradient.fewest_correct() + 20, random.fewest_correct());
}

TEST_F(AttackTest, DoesNotDependOnThreads) {
  AttackSettings two = small();
  two.threads = 2;
  EXPECT_EQ(attack(small(), input()), attack(two, input()));
}

TEST_F(AttackTest, WhatIsNotExposedIsNotFlipped) {
  AttackSettings settings = small();
  settings.exposed = {"fc2.*:top"};
  const AttackResult result = attack(settings, input());
  EXPECT_EQ(result.exposure, "fc2.*:top");
  EXPECT_EQ(result.exposed_bits, model_->weights[1].codes.size());
  for (const AttackOutcome& outcome : result.outcomes) {
    for (const AttackRun& run : outcome.runs) {
      EXPECT_EQ(run.layers[1], run.cells.size());
      EXPECT_EQ(run.top_bits, run.cells.size());
    }
  }
}

TEST_F(AttackTest, AMapRepeatsTheAttackAndIsUndone) {
  const AttackResult result = attack(small(), input());
  MemoryImage memory(*model_);
  const std::string before = memory.hash();
  AppliedFaults applied;
  for (const AttackOutcome& outcome : result.outcomes) {
    const FaultMapFile map = attack_map(result, outcome.strongest());
    EXPECT_EQ(map.bits, memory.bits());
    EXPECT_EQ(parse_fault_map(serialize_fault_map(map), "a.map"), map);
    memory.apply(map.faults, FaultKind::flip, memory.expose_all(), applied);
    EXPECT_EQ(applied.changed.size(), outcome.strongest().cells.size());
    EXPECT_NE(memory.hash(), before);
    memory.undo(applied);
    EXPECT_EQ(memory.hash(), before);
  }
}

TEST_F(AttackTest, MistakesAreOneClearLine) {
  AttackSettings settings = small();
  settings.images = 1'000'000;
  EXPECT_THAT(error(settings), HasSubstr("images: 1000000 asked"));
  settings = small();
  settings.test_images = 1'000'000;
  EXPECT_THAT(error(settings), HasSubstr("test_images: 1000000 asked"));
  settings = small();
  settings.flips = {1, 1'000'000};
  EXPECT_THAT(error(settings), HasSubstr("flips: 1000000 asked, but only"));
  settings = small();
  settings.exposed = {"conv9.*"};
  EXPECT_THAT(error(settings), HasSubstr("no tensor matches \"conv9.*\""));
  settings.exposed = {"*:7"};
  EXPECT_THAT(error(settings), HasSubstr("a bit that no tensor has"));
  settings = small();
  settings.restarts = 0;
  EXPECT_THAT(error(settings), HasSubstr("restarts: 0"));
}

/// Keeps warnings.
class Listener : public Events {
 public:
  void warning(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST_F(AttackTest, WarnsWhenTheAttackKnowsTheTestImages) {
  AttackSettings settings = small();
  settings.methods = {"random"};
  Listener listener;
  attack(settings, input(), {&listener, {}});
  EXPECT_TRUE(listener.lines.empty());
  attack(settings, {"small", *model_, *test_, "test", *test_, "test"}, {&listener, {}});
  ASSERT_EQ(listener.lines.size(), 1u);
  EXPECT_THAT(listener.lines[0], HasSubstr("knows images of the split"));
}

}  // namespace
}  // namespace flatenn
