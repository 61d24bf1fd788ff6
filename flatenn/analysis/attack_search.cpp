#include "flatenn/analysis/attack_search.h"

#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <thread>

#include "flatenn/base/error.h"
#include "flatenn/base/jobs.h"
#include "flatenn/base/random.h"
#include "flatenn/train/process.h"

namespace flatenn {
namespace {

using torch::Tensor;

std::span<const float> values_of(const Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// Counts what several threads have done.
class Counter {
 public:
  Counter(const std::string& task, std::string unit, double total, const Context& context)
      : progress_{task, std::move(unit), 0, total, {}}, context_(context) {}

  void add(double loss) {
    Progress progress = progress_;
    progress.done = static_cast<double>(++done_);
    progress.note = fmt::format("loss {:.3f}", loss);
    context_.events->progress(progress);
  }
  void finish() const { context_.events->finished(progress_.task); }

 private:
  const Progress progress_;
  const Context& context_;
  std::atomic<std::uint64_t> done_{0};
};

using Jobs = std::vector<std::function<void(const Context&)>>;

/// The best few bits of every layer, layer by layer.
std::vector<BitCandidate> candidates(const AttackSettings& settings, const FlippedNetwork& network,
                                     const Context& context) {
  const std::vector<Tensor> gradients = network.gradient(context);
  std::vector<BitCandidate> all;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    if (network.words().mask(t) == 0) continue;
    const auto best = network.words().best_bits(t, values_of(gradients[t]),
                                                static_cast<std::size_t>(settings.candidates));
    all.insert(all.end(), best.begin(), best.end());
  }
  return all;
}

/// The losses with each candidate flipped alone.
std::vector<LossPoint> try_each(const std::vector<BitCandidate>& candidates,
                                const FlippedNetwork& network, int threads,
                                const Context& context) {
  std::vector<LossPoint> points(candidates.size());
  Jobs jobs;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    jobs.push_back([&, i](const Context& inner) {
      prepare_process(1);
      points[i] = network.evaluate_with(candidates[i].address, inner);
    });
  }
  run_jobs(jobs, threads, context);
  return points;
}

/// One ascent of gradient_search.
class Ascent {
 public:
  Ascent(const AttackSettings& settings, const AttackTarget& target, FlipSet& best)
      : settings_(settings), target_(target), network_(target), best_(best) {
    const AttackWords& words = network_.words();
    for (std::size_t t = 0; t < words.tensors(); ++t) {
      const std::size_t size = words.mask(t) == 0 ? 0 : words.elements(t);
      moves_.emplace_back(size, 0.0f);
      momentum_.emplace_back(size, 0.0f);
    }
  }

  void run(Counter& counter, const Context& context) {
    start();
    best_.attacked.loss = -std::numeric_limits<double>::infinity();
    for (int step = 0; step <= settings_.steps; ++step) {
      const std::vector<std::uint64_t> flips = network_.words().project(moves_, best_.budget);
      network_.set_flips(flips);
      const LossPoint here = network_.evaluate(context);
      if (here.loss > best_.attacked.loss) {
        best_.attacked = here;
        best_.cells = flips;
      }
      counter.add(here.loss);
      if (step < settings_.steps) climb(network_.gradient(context));
    }
  }

 private:
  /// Random flips, at most one a weight, as moves.
  void start() {
    const AttackWords& words = network_.words();
    RandomCells cells(target_.exposure,
                      RandomStream(settings_.seed, Purpose::attack, best_.restart, best_.budget));
    std::set<std::pair<int, std::uint64_t>> touched;
    while (touched.size() < best_.budget) {
      const auto address = cells.next();
      if (!address) break;
      const Cell cell = words.cell(*address);
      if (!touched.insert({cell.tensor, cell.element}).second) continue;
      const auto t = static_cast<std::size_t>(cell.tensor);
      moves_[t][cell.element] =
          static_cast<float>(words.change(*address)) / static_cast<float>(words.half_range(t));
    }
  }

  /// Half a tensor's range in weights: turns a gradient by weights into one by moves.
  float unit(std::size_t t) const {
    return target_.model.weights[t].scale * static_cast<float>(network_.words().half_range(t));
  }

  void climb(const std::vector<Tensor>& gradients) {
    float largest = 0;
    for (std::size_t t = 0; t < moves_.size(); ++t) {
      if (moves_[t].empty()) continue;
      for (const float g : values_of(gradients[t])) {
        largest = std::max(largest, std::abs(g) * unit(t));
      }
    }
    if (!(largest > 0) || !std::isfinite(largest)) return;
    const auto step = static_cast<float>(settings_.step_size);
    const auto kept = static_cast<float>(settings_.momentum);
    for (std::size_t t = 0; t < moves_.size(); ++t) {
      if (moves_[t].empty()) continue;
      const std::span<const float> g = values_of(gradients[t]);
      const float factor = unit(t) / largest;
      for (std::size_t i = 0; i < g.size(); ++i) {
        momentum_[t][i] = kept * momentum_[t][i] + g[i] * factor;
        moves_[t][i] += step * momentum_[t][i];
      }
    }
  }

  const AttackSettings& settings_;
  const AttackTarget& target_;
  FlippedNetwork network_;
  FlipSet& best_;
  std::vector<std::vector<float>> moves_, momentum_;  ///< in half ranges
};

/// Every budget with every restart.
std::vector<FlipSet> empty_sets(const AttackSettings& settings) {
  std::vector<FlipSet> sets;
  for (const int budget : settings.flips) {
    for (int restart = 0; restart < settings.restarts; ++restart) {
      sets.push_back(
          {static_cast<std::uint64_t>(budget), static_cast<std::uint64_t>(restart), {}, {}});
    }
  }
  return sets;
}

}  // namespace

FlippedNetwork::FlippedNetwork(const AttackTarget& target)
    : target_(target), words_(target.model, target.exposure), model_(target.model) {}

void FlippedNetwork::flip(std::uint64_t address) {
  words_.flip(address);
  const Cell cell = words_.cell(address);
  const auto t = static_cast<std::size_t>(cell.tensor);
  model_.weights[t].codes[cell.element] = static_cast<std::int8_t>(words_.code(t, cell.element));
}

void FlippedNetwork::set_flips(std::span<const std::uint64_t> cells) {
  for (const std::uint64_t address : flipped_) flip(address);
  flipped_.assign(cells.begin(), cells.end());
  for (const std::uint64_t address : flipped_) flip(address);
}

LossPoint FlippedNetwork::evaluate(const Context& context) const {
  return FloatNetwork(model_, target_.images, Precision::single_).evaluate({}, context);
}

LossPoint FlippedNetwork::evaluate_with(std::uint64_t address, const Context& context) const {
  const Cell cell = words_.cell(address);
  const auto t = static_cast<std::size_t>(cell.tensor);
  Model model = model_;
  model.weights[t].codes[cell.element] =
      static_cast<std::int8_t>(words_.code(t, cell.element) + words_.change(address));
  return FloatNetwork(model, target_.images, Precision::single_).evaluate({}, context);
}

std::vector<Tensor> FlippedNetwork::gradient(const Context& context) const {
  const FloatNetwork network(model_, target_.images, Precision::single_);
  std::vector<Tensor> gradients = network.gradient({}, context);
  for (Tensor& tensor : gradients) tensor = tensor.contiguous();
  return gradients;
}

std::vector<FlipSet> progressive_search(const AttackSettings& settings, const AttackTarget& target,
                                        const std::string& task, const Context& context) {
  prepare_process(1);  // sums of gradients depend on the number of threads
  FlippedNetwork network(target);
  std::vector<std::uint64_t> cells;
  std::vector<LossPoint> points{network.evaluate(context)};
  Counter counter(task, "flips", static_cast<double>(settings.largest_budget()), context);
  while (cells.size() < settings.largest_budget()) {
    const std::vector<BitCandidate> best = candidates(settings, network, context);
    if (best.empty()) break;
    const std::vector<LossPoint> tried = try_each(best, network, thread_count(settings), context);
    const auto chosen = std::ranges::max_element(tried, {}, &LossPoint::loss);
    cells.push_back(best[static_cast<std::size_t>(chosen - tried.begin())].address);
    points.push_back(*chosen);
    network.flip(cells.back());
    counter.add(chosen->loss);
  }
  counter.finish();
  std::vector<FlipSet> sets;
  for (const int budget : settings.flips) {
    const std::size_t count = std::min(cells.size(), static_cast<std::size_t>(budget));
    sets.push_back({static_cast<std::uint64_t>(budget),
                    0,
                    {cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(count)},
                    points[count]});
  }
  return sets;
}

std::vector<FlipSet> gradient_search(const AttackSettings& settings, const AttackTarget& target,
                                     const std::string& task, const Context& context) {
  std::vector<FlipSet> sets = empty_sets(settings);
  Counter counter(task, "steps", static_cast<double>(sets.size()) * (settings.steps + 1), context);
  Jobs jobs;
  for (FlipSet& set : sets) {
    jobs.push_back([&](const Context& inner) {
      prepare_process(1);
      Ascent(settings, target, set).run(counter, inner);
    });
  }
  run_jobs(jobs, thread_count(settings), context);
  counter.finish();
  return sets;
}

std::vector<FlipSet> random_search(const AttackSettings& settings, const AttackTarget& target,
                                   const std::string& task, const Context& context) {
  std::vector<FlipSet> sets = empty_sets(settings);
  Counter counter(task, "draws", static_cast<double>(sets.size()), context);
  Jobs jobs;
  for (FlipSet& set : sets) {
    jobs.push_back([&](const Context& inner) {
      prepare_process(1);
      RandomCells cells(target.exposure, RandomStream(settings.seed, Purpose::attack, set.restart));
      while (set.cells.size() < set.budget) set.cells.push_back(cells.next().value());
      FlippedNetwork network(target);
      network.set_flips(set.cells);
      set.attacked = network.evaluate(inner);
      counter.add(set.attacked.loss);
    });
  }
  run_jobs(jobs, thread_count(settings), context);
  counter.finish();
  return sets;
}

int thread_count(const AttackSettings& settings) {
  if (settings.threads > 0) return settings.threads;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace flatenn
