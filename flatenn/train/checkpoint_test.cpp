#include "flatenn/train/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "flatenn/base/error.h"
#include "flatenn/base/file.h"
#include "flatenn/base/testing.h"
#include "flatenn/train/testing.h"

namespace flatenn {
namespace {

Graph small_graph() {
  Graph graph;
  graph.nodes.push_back({"input", Input{.channels = 3, .height = 1, .width = 1}, {}});
  graph.nodes.push_back({"conv", Conv2d{.out_channels = 2, .kernel = 1, .bias = false}, {0}});
  graph.nodes.push_back({"bn", BatchNorm{}, {1}});
  graph.nodes.push_back({"act", Activation{}, {2}});
  graph.nodes.push_back({"flat", Flatten{}, {3}});
  graph.nodes.push_back({"fc", Linear{.out_features = 2}, {4}});
  graph.nodes.push_back({"output", Output{}, {5}});
  return graph;
}

struct Fixture {
  explicit Fixture(std::uint64_t seed)
      : module(small_graph(), seed, torch::kCPU),
        optimizer(module, {}),
        average(module, {AveragingKind::ema}) {}
  Module module;
  Sgd optimizer;
  ParameterAverage average;
};

TrainingIdentity identity(int epochs, std::string data_hash) {
  TrainSettings settings;
  settings.epochs = epochs;
  return {settings, std::move(data_hash)};
}

const TrainingIdentity kIdentity = identity(3, "0123");

TEST(Checkpoint, KeepsEverything) {
  const TemporaryFolder folder;
  Fixture a(1);
  a.optimizer.momenta()[0].fill_(0.125);
  a.module.buffers()[0].tensor.fill_(7);
  a.average.update(a.module, 9, 10, 5);
  const TrainingState state{2, 3.5e-5, {"{\"epoch\":1}", "{\"epoch\":2}"}};
  save_checkpoint(folder / "c", kIdentity, state, a.module, a.optimizer, a.average);
  Fixture b(2);
  const auto loaded = load_checkpoint(folder / "c", kIdentity, b.module, b.optimizer, b.average);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->epochs_done, 2);
  EXPECT_EQ(loaded->sparsity_strength, 3.5e-5);
  EXPECT_EQ(loaded->log, state.log);
  EXPECT_TRUE(b.module.initialised());
  for (std::size_t i = 0; i < a.module.parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(a.module.parameters()[i].tensor, b.module.parameters()[i].tensor));
    EXPECT_TRUE(torch::equal(a.optimizer.momenta()[i], b.optimizer.momenta()[i]));
  }
  EXPECT_EQ(b.module.buffers()[0].tensor[0].item<float>(), 7);
  EXPECT_EQ(b.average.count(), 1);
  for (std::size_t i = 0; i < a.average.means().size(); ++i) {
    EXPECT_TRUE(torch::equal(a.average.means()[i], b.average.means()[i]));
  }
}

TEST(Checkpoint, NoFileIsNoCheckpoint) {
  const TemporaryFolder folder;
  Fixture a(1);
  EXPECT_FALSE(
      load_checkpoint(folder / "c", kIdentity, a.module, a.optimizer, a.average).has_value());
}

TEST(Checkpoint, OtherSettingsOrDataAreRefused) {
  const TemporaryFolder folder;
  Fixture a(1);
  save_checkpoint(folder / "c", kIdentity, {}, a.module, a.optimizer, a.average);
  EXPECT_THROW(load_checkpoint(folder / "c", identity(4, "0123"), a.module, a.optimizer, a.average),
               Error);
  EXPECT_THROW(load_checkpoint(folder / "c", identity(3, "4567"), a.module, a.optimizer, a.average),
               Error);
}

TEST(Checkpoint, DamageIsAnErrorThatNamesTheFile) {
  const TemporaryFolder folder;
  Fixture a(1);
  save_checkpoint(folder / "c", kIdentity, {1, 0, {"{}"}}, a.module, a.optimizer, a.average);
  const std::vector<std::byte> whole = read_file(folder / "c");
  for (std::size_t keep = 0; keep < whole.size(); keep += 37) {
    write_file(folder / "c", std::span(whole).first(keep));
    EXPECT_THROW(load_checkpoint(folder / "c", kIdentity, a.module, a.optimizer, a.average), Error)
        << keep;
  }
  // A log that does not match the counter, and a tensor of another shape.
  save_checkpoint(folder / "c", kIdentity, {2, 0, {"{}"}}, a.module, a.optimizer, a.average);
  EXPECT_THROW(load_checkpoint(folder / "c", kIdentity, a.module, a.optimizer, a.average), Error);
  a.optimizer.momenta()[0] = torch::zeros({5});
  save_checkpoint(folder / "c", kIdentity, {}, a.module, a.optimizer, a.average);
  Fixture b(1);
  EXPECT_THROW(load_checkpoint(folder / "c", kIdentity, b.module, b.optimizer, b.average), Error);
}

}  // namespace
}  // namespace flatenn
