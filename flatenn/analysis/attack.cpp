#include "flatenn/analysis/attack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "flatenn/analysis/attack_search.h"
#include "flatenn/base/error.h"
#include "flatenn/base/jobs.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/memory/memory_image.h"
#include "flatenn/train/process.h"

namespace flatenn {
namespace {

Dataset first_images(const Model& model, const Dataset& data, std::uint64_t count,
                     std::string_view key) {
  check_images(model, data);
  if (count > data.size()) {
    fail("{}: {} asked, but {} has {}", key, count, data.name, data.size());
  }
  return data.slice(0, count == 0 ? data.size() : count);
}

std::vector<Fault> sorted_faults(std::vector<std::uint64_t> cells) {
  std::ranges::sort(cells);
  std::vector<Fault> faults;
  for (const std::uint64_t cell : cells) faults.push_back({cell, false});
  return faults;
}

/// The network in its memory, on the test images; one thread's own.
class Victim {
 public:
  Victim(const MemoryImage& memory, const Exposure& exposure, const Dataset& images,
         std::unique_ptr<Evaluator> evaluator)
      : memory_(memory),
        exposure_(exposure),
        images_(images),
        evaluator_(std::move(evaluator)),
        classes_(images.size()) {}
  Victim clone() const { return {memory_, exposure_, images_, evaluator_->clone()}; }

  /// Images classified rightly with these bits flipped; they are put back.
  std::uint64_t correct(const std::vector<std::uint64_t>& cells, const Context& context) {
    memory_.apply(sorted_faults(cells), FaultKind::flip, exposure_, applied_);
    FLATENN_ASSERT(applied_.changed.size() == cells.size());
    write_faults(*evaluator_, applied_);
    classify_until(*evaluator_, classes_, context.stop);
    throw_if_stopped(context);
    memory_.undo(applied_);
    write_faults(*evaluator_, applied_);
    return count_equal(classes_, images_.labels);
  }
  std::string hash() const { return memory_.hash(); }

 private:
  MemoryImage memory_;
  const Exposure& exposure_;
  const Dataset& images_;
  std::unique_ptr<Evaluator> evaluator_;
  std::vector<std::uint8_t> classes_;
  AppliedFaults applied_;
};

/// Every run's share of AttackRun that can be told without evaluating anything.
AttackRun describe(const FlipSet& set, const MemoryLayout& layout) {
  AttackRun run{set.restart, set.cells, set.attacked, 0, 0, {}};
  run.layers.assign(layout.tensors().size(), 0);
  for (const std::uint64_t address : set.cells) {
    const Cell cell = layout.cell(address);
    const auto tensor = static_cast<std::size_t>(cell.tensor);
    ++run.layers[tensor];
    if (cell.bit == layout.tensors()[tensor].format.bits - 1) ++run.top_bits;
  }
  return run;
}

std::vector<FlipSet> search(AttackMethod method, const AttackSettings& settings,
                            const AttackTarget& target, const std::string& label,
                            const Context& context) {
  const std::string task = fmt::format("attack {} {}", label, to_string(method));
  switch (method) {
    case AttackMethod::progressive:
      return progressive_search(settings, target, task, context);
    case AttackMethod::gradient:
      return gradient_search(settings, target, task, context);
    case AttackMethod::random:
      return random_search(settings, target, task, context);
  }
  FLATENN_ASSERT(!"a method without a search");
  return {};
}

/// Without the damage.
std::vector<AttackOutcome> search_all(const AttackSettings& settings, const AttackTarget& target,
                                      const std::string& label, const Context& context) {
  const MemoryLayout layout(target.model);
  std::vector<AttackOutcome> outcomes;
  for (const AttackMethod method : settings.chosen_methods()) {
    for (const FlipSet& set : search(method, settings, target, label, context)) {
      if (outcomes.empty() || outcomes.back().method != method ||
          outcomes.back().budget != set.budget) {
        outcomes.push_back({method, set.budget, {}});
      }
      outcomes.back().runs.push_back(describe(set, layout));
    }
  }
  std::ranges::stable_sort(outcomes, {}, &AttackOutcome::budget);
  return outcomes;
}

/// Fills in what the flips of every run cost, and nothing flipped.
void measure_damage(const AttackSettings& settings, const Victim& original, AttackResult& result,
                    const Context& context) {
  std::vector<std::pair<const std::vector<std::uint64_t>*, std::uint64_t*>> runs;
  const std::vector<std::uint64_t> none;
  runs.emplace_back(&none, &result.clean_correct);
  for (AttackOutcome& outcome : result.outcomes) {
    for (AttackRun& run : outcome.runs) runs.emplace_back(&run.cells, &run.correct);
  }
  const std::string task = fmt::format("attack {} damage", result.label);
  std::atomic<std::size_t> next{0}, done{0};
  const auto work = [&](const Context& inner) {
    Victim victim = original.clone();
    for (std::size_t i = next++; i < runs.size(); i = next++) {
      *runs[i].second = victim.correct(*runs[i].first, inner);
      inner.events->progress(
          {task, "runs", static_cast<double>(++done), static_cast<double>(runs.size()), {}});
    }
    FLATENN_ASSERT(victim.hash() == original.hash());
  };
  const int threads = thread_count(settings);
  run_jobs(
      std::vector<std::function<void(const Context&)>>(static_cast<std::size_t>(threads), work),
      threads, context);
  context.events->finished(task);
}

void check_budgets(const AttackSettings& settings, const AttackResult& result) {
  if (result.exposed_bits == 0) {
    fail("exposed: no cell of the weights; leave --expose out to attack all of them");
  }
  if (settings.largest_budget() > result.exposed_bits) {
    fail("flips: {} asked, but only {} cells are exposed", settings.largest_budget(),
         result.exposed_bits);
  }
}

}  // namespace

const AttackRun& AttackOutcome::strongest() const {
  FLATENN_ASSERT(!runs.empty());
  return *std::ranges::max_element(runs, {}, [](const AttackRun& run) { return run.known.loss; });
}

double AttackOutcome::mean_correct() const {
  FLATENN_ASSERT(!runs.empty());
  double sum = 0;
  for (const AttackRun& run : runs) sum += static_cast<double>(run.correct);
  return sum / static_cast<double>(runs.size());
}

std::uint64_t AttackOutcome::fewest_correct() const {
  FLATENN_ASSERT(!runs.empty());
  return std::ranges::min_element(runs, {}, &AttackRun::correct)->correct;
}

AttackResult attack(const AttackSettings& settings, const AttackInput& input,
                    const Context& context) {
  check_settings(settings);
  const Dataset known = first_images(input.model, input.known, settings.images, "images");
  const Dataset test = first_images(input.model, input.test, settings.test_images, "test_images");
  const MemoryImage memory(input.model);
  const Exposure exposure = memory.expose(settings.exposed);
  AttackResult result;
  result.label = input.label;
  result.model_hash = model_hash(input.model);
  result.dataset = input.test.name;
  result.test_split = input.test_split;
  result.known_split = input.known_split;
  result.test_hash = test.hash();
  result.known_hash = known.hash();
  result.settings = attack_settings_text(settings);
  result.exposure = fmt::format("{}", fmt::join(canonical_patterns(settings.exposed), ","));
  result.memory_bits = memory.bits();
  result.exposed_bits = exposure.bits();
  result.test_images = test.size();
  result.known_images = known.size();
  for (const StoredTensor& tensor : memory.tensors()) result.tensors.push_back(tensor.name);
  check_budgets(settings, result);
  if (input.test_split == input.known_split) {
    context.events->warning(
        fmt::format("{}: the attack knows images of the split that damage is measured on ({})",
                    input.label, input.test_split));
  }
  prepare_process(1);  // sums of gradients depend on the number of threads
  const AttackTarget target{input.model, known, exposure};
  result.known = FlippedNetwork(target).evaluate(context);
  result.outcomes = search_all(settings, target, input.label, context);
  const Victim victim(memory, exposure, test, make_evaluator(Engine::automatic, input.model, test));
  measure_damage(settings, victim, result, context);
  return result;
}

FaultMapFile attack_map(const AttackResult& result, const AttackRun& run) {
  return {result.memory_bits, sorted_faults(run.cells)};
}

}  // namespace flatenn
