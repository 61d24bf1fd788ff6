#include "flatenn/analysis/tolerance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/reference_evaluator.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

using testing::HasSubstr;

NetworkOptions network_options() {
  NetworkOptions options;
  options.input = {1, 6, 6, 1.0f / 255, 0};
  options.hidden = {8};
  return options;
}

/// Keeps what a search tells, and stops it after so many events.
class Recorder : public Events {
 public:
  explicit Recorder(int allowed = 1 << 30) : allowed_(allowed) {}
  void progress(const Progress& progress) override {
    all.push_back(progress);
    if (static_cast<int>(all.size()) >= allowed_) stop.request_stop();
  }
  void finished(std::string_view) override { ++ends; }
  Context context() { return {this, stop.get_token()}; }
  std::vector<Progress> all;
  int ends = 0;
  std::stop_source stop;

 private:
  int allowed_;
};

/// A network that is always right without faults: the labels are its own answers.
class ToleranceTest : public testing::Test {
 protected:
  ToleranceTest() {
    make_reference_evaluator(network_, images_)->classify(0, images_.size(), images_.labels);
    settings_.kinds = {FaultKind::flip, FaultKind::stuck1};
    settings_.rates = tolerance_rates();
    settings_.engine = Engine::reference;
    settings_.threads = 1;
    settings_.max_maps = 400;
    tolerance_.loss = 20;
  }

  std::vector<ModelTolerance> measure(Store* store = nullptr,
                                      const Context& context = default_context()) const {
    return measure_tolerance(tolerance_, settings_, models_, images_, "test", store, context);
  }
  std::string error() const {
    try {
      measure();
    } catch (const Error& mistake) {
      return mistake.what();
    }
    return "no error";
  }
  static void expect_equal(const std::vector<ModelTolerance>& a,
                           const std::vector<ModelTolerance>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t m = 0; m < a.size(); ++m) {
      EXPECT_EQ(a[m].subject, b[m].subject);
      ASSERT_EQ(a[m].kinds.size(), b[m].kinds.size());
      for (std::size_t k = 0; k < a[m].kinds.size(); ++k) {
        const ToleranceAnswer &x = a[m].kinds[k].answer, &y = b[m].kinds[k].answer;
        EXPECT_EQ(a[m].kinds[k].kind, b[m].kinds[k].kind);
        EXPECT_EQ(x.rate, y.rate);
        EXPECT_EQ(x.lo, y.lo);
        EXPECT_EQ(x.hi, y.hi);
        EXPECT_EQ(x.maps, y.maps);
      }
    }
  }

  TemporaryFolder folder_;
  Model network_ = random_model(mlp(network_options()), 3);
  Dataset images_ = random_dataset(network_options().input, 60, 4);
  std::vector<CampaignModel> models_ = {{"first", &network_}};
  CampaignSettings settings_;
  ToleranceSettings tolerance_;
};

TEST_F(ToleranceTest, BracketsWhatACampaignMeasures) {
  const ModelTolerance found = measure().at(0);
  EXPECT_EQ(found.subject.clean_correct, 60u);
  for (const auto& [kind, answer] : found.kinds) {
    ASSERT_GT(answer.lo, 0) << to_string(kind);
    ASSERT_TRUE(answer.bounded) << to_string(kind);
    CampaignSettings fixed = settings_;
    fixed.kinds = {kind};
    fixed.rates = {answer.lo, answer.hi};
    fixed.maps = 300;
    fixed.first_map = 5000;  // maps that the search has not seen
    double correct[2] = {};
    for (const Trial& trial : measure_trials(fixed, models_[0], images_)) {
      correct[trial.rate == answer.hi] += double(trial.correct) / 60 / 300;
    }
    EXPECT_GT(correct[0], 0.8) << to_string(kind);
    EXPECT_LT(correct[1], 0.8) << to_string(kind);
  }
}

TEST_F(ToleranceTest, StopsAndThreadsDoNotChangeTheAnswer) {
  const std::vector<ModelTolerance> whole = measure();
  Store store = Store::open(folder_ / "a.db");
  int stops = 0;
  for (bool done = false; !done; settings_.threads = 3 - settings_.threads) {
    Recorder recorder(4);
    try {
      expect_equal(measure(&store, recorder.context()), whole);
      done = true;
    } catch (const Interrupted&) {
      ++stops;
    }
  }
  EXPECT_GT(stops, 3);
  const std::string key = whole[0].subject.key();
  EXPECT_GE(store.trials(key).size(),
            whole[0].kinds[0].answer.maps + whole[0].kinds[1].answer.maps);
}

TEST_F(ToleranceTest, OtherTrialsInTheStoreDoNotMatter) {
  const std::vector<ModelTolerance> alone = measure();
  Store store = Store::open(folder_ / "a.db");
  CampaignSettings other = settings_;
  other.rates = {alone[0].kinds[0].answer.lo, alone[0].kinds[1].answer.hi, 0.3};
  other.maps = 50;
  run_campaign(other, models_, images_, "test", store);
  other.first_map = 60;  // with a gap before them
  run_campaign(other, models_, images_, "test", store);
  expect_equal(measure(&store), alone);
}

TEST_F(ToleranceTest, ProgressShowsTheBrackets) {
  Recorder recorder;
  const std::vector<ModelTolerance> found = measure(nullptr, recorder.context());
  EXPECT_EQ(recorder.all.front().task, "tolerance first");
  EXPECT_EQ(recorder.all.front().note, "flip 0..1, stuck1 0..1");
  EXPECT_EQ(recorder.all.back().done,
            double(found[0].kinds[0].answer.maps + found[0].kinds[1].answer.maps));
  EXPECT_THAT(recorder.all.back().note,
              HasSubstr(fmt::format("flip {:.3g}..", found[0].kinds[0].answer.lo)));
  EXPECT_EQ(recorder.ends, 1);
}

TEST_F(ToleranceTest, RatesOfASearch) {
  const std::vector<double> rates = tolerance_rates();
  EXPECT_EQ(rates.size(), 115u);
  EXPECT_EQ(rates.front(), 1e-5);
  EXPECT_EQ(rates.back(), 0.5);
  for (std::size_t i = 1; i < rates.size(); ++i) EXPECT_LE(rates[i] / rates[i - 1], 1.1001);
  EXPECT_EQ(tolerance_rates(10).size(), 6u);
  EXPECT_THROW(tolerance_rates(1), Error);
  EXPECT_THROW(tolerance_rates(std::nan("")), Error);
}

/// Clean accuracies are looked at before the first trial of any network.
TEST_F(ToleranceTest, WhatCannotBeAnsweredIsRefusedBeforeAnythingIsMeasured) {
  const Model other = random_model(mlp(network_options()), 5);  // right by chance alone
  models_.push_back({"second", &other});
  Store store = Store::open(folder_ / "a.db");
  const auto refusal = [&] {
    try {
      measure(&store);
    } catch (const Error& mistake) {
      return std::string(mistake.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal(), HasSubstr("second: "));
  EXPECT_TRUE(store.subjects().empty());
  models_.pop_back();
  tolerance_.loss = 90;
  EXPECT_THAT(refusal(), HasSubstr("first: loss: 90 points below the 100 %"));
  tolerance_.loss = 1;
  settings_.max_maps = 16;
  EXPECT_THAT(refusal(), HasSubstr("first: max_maps: with 115 rates at 95 % confidence"));
  EXPECT_TRUE(store.subjects().empty());
}

TEST_F(ToleranceTest, MistakesAreOneClearLine) {
  tolerance_.loss = 100;
  EXPECT_THAT(error(), HasSubstr("loss: 100 points"));
  for (const double none : {0.0, -1.0}) {
    tolerance_.loss = none;
    EXPECT_THAT(error(), HasSubstr(fmt::format("loss: {} points are not between", none)));
  }
  tolerance_.loss = std::nan("");
  EXPECT_THAT(error(), HasSubstr("loss: nan points"));
  tolerance_.loss = 60;
  images_.labels.assign(60, 0);  // of random images one class in ten is right, or thereabouts
  EXPECT_THAT(error(), HasSubstr("first: of "));
  tolerance_.loss = 1;
  settings_.rates = {0, 0.1};
  EXPECT_THAT(error(), HasSubstr("rates: 0 does not ascend"));
  settings_.rates = {0.1};
  tolerance_.confidence = 1;
  EXPECT_THAT(error(), HasSubstr("confidence: 1"));
  tolerance_.confidence = 0.95;
  settings_.sweep = Sweep::bits;
  EXPECT_THAT(error(), HasSubstr("sweep"));
  settings_.sweep = Sweep::none;
  settings_.until = 1;
  EXPECT_THAT(error(), HasSubstr("until"));
  settings_.until = 0;
  settings_.source = "single";
  EXPECT_THAT(error(), HasSubstr("source: 'single' has no rate"));
}

}  // namespace
}  // namespace flatenn
