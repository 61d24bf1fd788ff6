// Threads over trials, as campaigns use them, against threads that share the images of one trial
// after another: wall time, in turns in one run. Splitting single layers would meet far more often
// than once a trial and is not better.
//
//   threads_bench [--threads 2] [--seconds 2] [--turns 5]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <barrier>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench/guarded.h"
#include "bench/trials.h"
#include "bench/turns.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/testing.h"

namespace flatenn {
namespace {

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Campaign {
 public:
  Campaign(const std::string& network, std::size_t images, int threads)
      : threads_(threads),
        model_(random_model(network_graph(network), 1)),
        data_(random_dataset(std::get<Input>(model_.graph.nodes[0].op), images, 1)),
        corruption_(model_, 0.01) {
    const auto evaluator = make_int8_evaluator(model_, data_);
    for (int t = 0; t < threads; ++t) {
      trials_.emplace_back(evaluator->clone(), model_, data_);
      shares_.push_back(evaluator->clone());
    }
  }

  /// Every thread its own maps. Images a second.
  double over_trials(int trials) {
    const double start = wall_seconds();
    in_threads([&](int t) {
      for (int i = 0; i < trials; ++i) trials_[static_cast<std::size_t>(t)].run();
    });
    return static_cast<double>(data_.size()) * trials * threads_ / (wall_seconds() - start);
  }

  /// All threads the same map, each its share of the images. Images a second.
  double over_images(int trials) {
    const double start = wall_seconds();
    const std::vector<CodeWrite>* writes = nullptr;
    std::barrier ready(threads_, [&]() noexcept { writes = &corruption_.apply(); });
    std::barrier done(threads_, [&]() noexcept { writes = &corruption_.undo(); });
    in_threads([&](int t) {
      Evaluator& evaluator = *shares_[static_cast<std::size_t>(t)];
      const std::size_t first = share(t), count = share(t + 1) - first;
      for (int i = 0; i < trials * threads_; ++i) {
        ready.arrive_and_wait();
        evaluator.write(*writes);
        benchmark::DoNotOptimize(count_correct(evaluator, data_, first, count));
        done.arrive_and_wait();
        evaluator.write(*writes);
      }
    });
    return static_cast<double>(data_.size()) * trials * threads_ / (wall_seconds() - start);
  }

 private:
  /// First image of a thread: whole blocks of 16.
  std::size_t share(int t) const {
    if (t == threads_) return data_.size();
    return data_.size() * static_cast<std::size_t>(t) / static_cast<std::size_t>(threads_) / 16 *
           16;
  }
  void in_threads(const std::function<void(int)>& work) const {
    std::vector<std::jthread> pool;
    for (int t = 0; t < threads_; ++t) pool.emplace_back([&work, t] { work(t); });
  }

  int threads_;
  Model model_;
  Dataset data_;
  Corruption corruption_;
  std::vector<Trials> trials_;
  std::vector<std::unique_ptr<Evaluator>> shares_;
};

void measure(const std::string& network, std::size_t images, int threads, double seconds,
             int turns) {
  Campaign campaign(network, images, threads);
  const double first = campaign.over_trials(1);
  const int trials =
      std::max(1, static_cast<int>(seconds * first / static_cast<double>(images) / threads));
  double over_trials = 0, over_images = 0;
  for (int turn = 0; turn < turns; ++turn) {
    over_trials = std::max(over_trials, campaign.over_trials(trials));
    over_images = std::max(over_images, campaign.over_images(trials));
  }
  fmt::print("{:10} {:8} {:16.0f} {:16.0f} {:8.2f}\n", network, images, over_trials, over_images,
             over_trials / over_images);
}

int run(int argc, char** argv) {
  CLI::App app("Threads over trials against threads over the images of each trial");
  int threads = 2, turns = 5;
  double seconds = 2;
  app.add_option("--threads", threads, "threads")->check(CLI::Range(1, 1024));
  app.add_option("--seconds", seconds, "wall time a side and turn");
  app.add_option("--turns", turns, "turns of every side");
  CLI11_PARSE(app, argc, argv);
  fmt::print("{}, {} threads, images/s\n{:10} {:>8} {:>16} {:>16} {:>8}\n", processor_name(),
             threads, "network", "images", "over trials", "over images", "times");
  measure("lenet5", 10000, threads, seconds, turns);
  measure("lenet5", 1000, threads, seconds, turns);
  measure("lenet5", 100, threads, seconds, turns);
  measure("resnet20", 256, threads, seconds, turns);
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
