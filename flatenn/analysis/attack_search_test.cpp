#include "flatenn/analysis/attack_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "flatenn/analysis/bit_sensitivity.h"
#include "flatenn/analysis/testing.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/testing.h"
#include "flatenn/graph/builders.h"
#include "flatenn/memory/memory_image.h"

namespace flatenn {
namespace {

using torch::Tensor;

NetworkOptions tiny(Encoding encoding) {
  NetworkOptions options;
  options.input = {1, 4, 4, 1.0f / 255, 0};
  options.hidden = {5};
  options.weights.code.encoding = encoding;
  return options;
}

AttackSettings settings() {
  AttackSettings settings;
  settings.flips = {1, 3, 8};
  settings.restarts = 3;
  settings.steps = 8;
  settings.threads = 1;
  return settings;
}

/// A network, by default random ones of two layers, and what of its memory is exposed.
struct Case {
  explicit Case(Encoding encoding = Encoding::twos_complement,
                const std::vector<std::string>& patterns = {})
      : Case(random_model(mlp(tiny(encoding)), 2), random_dataset(tiny(encoding).input, 40, 3),
             patterns) {}
  Case(Model m, Dataset data, const std::vector<std::string>& patterns = {})
      : model(std::move(m)),
        images(std::move(data)),
        exposure(MemoryLayout(model).expose(patterns)) {}

  /// The loss of the model with these bits flipped in its memory, by a network of its own.
  LossPoint naive(const std::vector<std::uint64_t>& cells) const {
    MemoryImage memory(model);
    std::vector<Fault> faults;
    for (const std::uint64_t cell : cells) faults.push_back({cell, false});
    std::ranges::sort(faults, {}, &Fault::address);
    AppliedFaults applied;
    memory.apply(faults, FaultKind::flip, memory.expose_all(), applied);
    Model flipped = model;
    for (const CodeWrite& write : applied.writes) {
      flipped.weights[static_cast<std::size_t>(write.tensor)]
          .codes[static_cast<std::size_t>(write.element)] = write.code;
    }
    return FloatNetwork(flipped, images, Precision::single_).evaluate({}, default_context());
  }

  Model model;
  Dataset images;
  Exposure exposure;
  AttackTarget target{model, images, exposure};
};

constexpr Encoding kEncodings[] = {Encoding::twos_complement, Encoding::offset_binary,
                                   Encoding::sign_magnitude};

/// Flips made one by one, tried or set at once are those in the memory.
void expect_integer_network(const Case& c) {
  FlippedNetwork network(c.target);
  RandomCells cells(c.exposure, RandomStream(1, Purpose::test, 0));
  std::vector<std::uint64_t> flipped;
  for (int i = 0; i < 25; ++i) {
    const std::uint64_t address = cells.next().value();
    flipped.push_back(address);
    const LossPoint expected = c.naive(flipped);
    EXPECT_EQ(network.evaluate_with(address, default_context()), expected);
    network.flip(address);
    EXPECT_EQ(network.evaluate(default_context()), expected);
  }
  FlippedNetwork again(c.target);
  again.set_flips(std::vector<std::uint64_t>{0, 1, 7});
  again.set_flips(flipped);
  EXPECT_EQ(again.evaluate(default_context()), network.evaluate(default_context()));
  again.set_flips({});
  EXPECT_EQ(again.evaluate(default_context()), c.naive({}));
}

TEST(FlippedNetwork, IsTheIntegerNetworkWithTheFlips) {
  for (const Encoding encoding : kEncodings) expect_integer_network(Case(encoding));
}

TEST(FlippedNetwork, AlsoWithConvolutionsAndOffsets) {
  const ParityCase parity;
  expect_integer_network(Case(parity.model, parity.images));
}

/// Of all bits with a first-order gain, the one whose flip has the largest loss, by trying each in
/// a network of its own.
std::uint64_t best_single_flip(const Case& c) {
  const std::vector<Tensor> gradients = FlippedNetwork(c.target).gradient(default_context());
  std::vector<WeightDerivatives> derivatives;
  for (const Tensor& g : gradients) {
    const float* values = g.data_ptr<float>();
    derivatives.push_back({{values, values + g.numel()}, {}});
  }
  const MemoryLayout layout(c.model);
  std::uint64_t best = 0;
  double largest = -1;
  visit_bits(c.model, derivatives, [&](const BitEffect& bit) {
    const std::uint64_t address = layout.address({bit.tensor, bit.element, bit.bit});
    if (!(bit.first > 0)) return;
    const double loss = c.naive({address}).loss;
    if (loss > largest) {
      largest = loss;
      best = address;
    }
  });
  return best;
}

TEST(ProgressiveSearch, WithAllCandidatesTheFirstFlipIsTheBestOfAll) {
  for (const Encoding encoding : kEncodings) {
    const Case c(encoding);
    AttackSettings all = settings();
    all.candidates = 1000;
    all.flips = {1};
    const auto found = progressive_search(all, c.target, "t", default_context());
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].cells.size(), 1u);
    const std::uint64_t best = best_single_flip(c);
    EXPECT_EQ(found[0].attacked.loss, c.naive({best}).loss);
    EXPECT_EQ(found[0].cells[0], best);
    // One candidate a layer is a part of all.
    all.candidates = 1;
    EXPECT_LE(progressive_search(all, c.target, "t", default_context())[0].attacked.loss,
              found[0].attacked.loss);
  }
}

TEST(ProgressiveSearch, BudgetsArePrefixesWithTheirOwnLosses) {
  for (const Encoding encoding : kEncodings) {
    const Case c(encoding);
    const auto found = progressive_search(settings(), c.target, "t", default_context());
    ASSERT_EQ(found.size(), 3u);
    for (const FlipSet& set : found) {
      EXPECT_EQ(set.cells.size(), set.budget);
      EXPECT_TRUE(std::ranges::equal(set.cells, std::span(found.back().cells).first(set.budget)));
      EXPECT_EQ(set.attacked, c.naive(set.cells));
      EXPECT_EQ(std::set(set.cells.begin(), set.cells.end()).size(), set.cells.size());
    }
    AttackSettings fewer = settings();
    fewer.flips = {3};
    EXPECT_EQ(progressive_search(fewer, c.target, "t", default_context())[0], found[1]);
  }
}

TEST(ProgressiveSearch, EndsWhenNoBitRaisesTheLoss) {
  const Case c(Encoding::twos_complement, {"fc2.weight:0"});
  AttackSettings many = settings();
  many.flips = {static_cast<int>(c.exposure.bits())};
  const auto found = progressive_search(many, c.target, "t", default_context());
  EXPECT_GT(found[0].cells.size(), 0u);
  EXPECT_LT(found[0].cells.size(), c.exposure.bits());
  EXPECT_EQ(found[0].attacked, c.naive(found[0].cells));
}

TEST(GradientSearch, KeepsWithinBudgetAndOneFlipAWeight) {
  for (const Encoding encoding : kEncodings) {
    const Case c(encoding, {"*:1-3"});
    const MemoryLayout layout(c.model);
    const auto found = gradient_search(settings(), c.target, "t", default_context());
    ASSERT_EQ(found.size(), 9u);
    for (const FlipSet& set : found) {
      EXPECT_LE(set.cells.size(), set.budget);
      EXPECT_EQ(set.attacked, c.naive(set.cells));
      EXPECT_GT(set.attacked.loss, c.naive({}).loss);
      std::set<std::pair<int, std::uint64_t>> touched;
      for (const std::uint64_t address : set.cells) {
        const Cell cell = layout.cell(address);
        EXPECT_TRUE(c.exposure.contains(address));
        EXPECT_TRUE(touched.insert({cell.tensor, cell.element}).second);
      }
    }
  }
}

TEST(GradientSearch, MoreStepsNeverFindLess) {
  const Case c;
  AttackSettings few = settings(), more = settings();
  few.steps = 2;
  const auto little = gradient_search(few, c.target, "t", default_context());
  const auto much = gradient_search(more, c.target, "t", default_context());
  for (std::size_t i = 0; i < little.size(); ++i) {
    EXPECT_GE(much[i].attacked.loss, little[i].attacked.loss);
  }
}

TEST(RandomSearch, BudgetsArePrefixesOfOneOrderARestart) {
  const Case c(Encoding::twos_complement, {"fc1.*:top", "fc2.*"});
  const auto found = random_search(settings(), c.target, "t", default_context());
  ASSERT_EQ(found.size(), 9u);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const FlipSet& set = found[i];
    EXPECT_EQ(set.restart, i % 3);
    EXPECT_EQ(set.cells.size(), set.budget);
    EXPECT_EQ(set.attacked, c.naive(set.cells));
    const FlipSet& largest = found[6 + set.restart];
    EXPECT_TRUE(std::ranges::equal(set.cells, std::span(largest.cells).first(set.budget)));
    for (const std::uint64_t address : set.cells) EXPECT_TRUE(c.exposure.contains(address));
  }
  EXPECT_NE(found[6].cells, found[7].cells);
}

TEST(AttackSearch, ThreadsDoNotMatterAndSeedsDo) {
  const Case c;
  AttackSettings one = settings(), two = settings(), other = settings();
  one.candidates = two.candidates = 4;
  two.threads = 2;
  other.seed = 1;
  const Context context = default_context();
  EXPECT_EQ(progressive_search(one, c.target, "t", context),
            progressive_search(two, c.target, "t", context));
  for (const auto search : {&gradient_search, &random_search}) {
    const auto found = search(one, c.target, "t", context);
    EXPECT_EQ(found, search(two, c.target, "t", context));
    EXPECT_NE(found, search(other, c.target, "t", context));
  }
}

/// Counts what is done and asks for a stop after so many events.
class Stopper : public Events {
 public:
  explicit Stopper(int allowed) : allowed_(allowed) {}
  void progress(const Progress& progress) override {
    EXPECT_EQ(progress.task, "t");
    EXPECT_LE(progress.done, progress.total);
    if (++events >= allowed_) stop.request_stop();
  }
  int events = 0;
  std::stop_source stop;

 private:
  int allowed_;
};

TEST(AttackSearch, ProgressIsToldAndAStopIsHeard) {
  const Case c;
  for (const auto search : {&progressive_search, &gradient_search, &random_search}) {
    Stopper stopper(3);
    EXPECT_THROW(search(settings(), c.target, "t", {&stopper, stopper.stop.get_token()}),
                 Interrupted);
    EXPECT_EQ(stopper.events, 3);
    Stopper patient(1 << 30);
    search(settings(), c.target, "t", {&patient, patient.stop.get_token()});
    EXPECT_GE(patient.events, 8);
  }
}

}  // namespace
}  // namespace flatenn
