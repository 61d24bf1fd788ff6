#include "flatenn/campaign/rule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flatenn/base/error.h"
#include "flatenn/base/testing.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"

namespace flatenn {
namespace {

NetworkOptions network_options() {
  NetworkOptions options;
  options.input = {1, 6, 6, 1.0f / 255, 0};
  options.hidden = {8};
  return options;
}

class RuleTest : public testing::Test {
 protected:
  RuleTest() {
    settings_.kinds = {FaultKind::flip};
    settings_.engine = Engine::reference;
    settings_.threads = 1;
  }

  /// Maps 0 to 7 at three rates, a rate once the one before is measured.
  static std::vector<WorkUnit> three_rates(const MeasuredSubject& measured) {
    std::vector<WorkUnit> work;
    for (int r = 1; r <= 3; ++r) {
      for (std::uint64_t map = 0; map < 8; ++map) {
        const bool done = std::ranges::any_of(
            measured.trials, [&](const Trial& t) { return t.rate == 0.1 * r && t.map == map; });
        if (!done) work.push_back({map, 0.1 * r, {FaultKind::flip}});
      }
      if (!work.empty()) return work;
    }
    return work;
  }

  MeasuredSubject measure(Store* store, const TrialRule& rule,
                          const Context& context = default_context()) const {
    return measure_by_rule(settings_, model_, images_, "test", store, rule, context);
  }

  TemporaryFolder folder_;
  Model network_ = random_model(mlp(network_options()), 3);
  CampaignModel model_ = {"first", &network_};
  Dataset images_ = random_dataset(network_options().input, 100, 4);
  CampaignSettings settings_;
};

TEST_F(RuleTest, MeasuresWhatACampaignWould) {
  settings_.rates = {0.1, 0.2, 0.1 * 3};
  settings_.maps = 8;
  EXPECT_EQ(measure(nullptr, three_rates).trials, measure_trials(settings_, model_, images_));
}

TEST_F(RuleTest, StoresAndGoesOnWhereItStopped) {
  Store store = Store::open(folder_ / "a.db");
  std::stop_source stop;
  int rounds = 0;
  const TrialRule stopping = [&](const MeasuredSubject& measured) {
    if (++rounds == 2) stop.request_stop();
    return three_rates(measured);
  };
  Context context = default_context();
  context.stop = stop.get_token();
  EXPECT_THROW(measure(&store, stopping, context), Interrupted);
  const Subject subject = store.subjects().at(0);
  EXPECT_GE(store.trials(subject.key()).size(), 8u);
  EXPECT_LT(store.trials(subject.key()).size(), 24u);
  settings_.threads = 2;
  const MeasuredSubject whole = measure(&store, three_rates);
  EXPECT_EQ(whole.trials, measure(nullptr, three_rates).trials);
  EXPECT_EQ(whole.trials, store.trials(subject.key()));
  EXPECT_EQ(whole.subject, subject);
}

TEST_F(RuleTest, ARuleThatAsksForNothingStoresNothing) {
  Store store = Store::open(folder_ / "a.db");
  const MeasuredSubject measured =
      measure(&store, [](const MeasuredSubject&) { return std::vector<WorkUnit>{}; });
  EXPECT_TRUE(measured.trials.empty());
  EXPECT_TRUE(store.subjects().empty());
  EXPECT_EQ(measured.subject.images, 100u);
}

}  // namespace
}  // namespace flatenn
