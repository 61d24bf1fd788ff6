// What a campaign need not do, and what doing it all the same would cost: for each, the campaign's
// way and the other one, in turns in one run, in processor time. The other ways are emulated here
// where the engine has no switch for them.
//
//   savings_bench [--seconds 0.3] [--turns 5] [--only cells,prefix,patch,memory,blocks,pooling]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "bench/guarded.h"
#include "bench/trials.h"
#include "bench/turns.h"
#include "flatenn/base/error.h"
#include "flatenn/engine/int8_evaluator.h"
#include "flatenn/engine/int8_images.h"
#include "flatenn/engine/int8_steps.h"
#include "flatenn/engine/testing.h"

namespace {
std::atomic<std::uint64_t> allocations = 0;  // NOLINT: counts for the operators below

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  if (void* p = std::aligned_alloc(alignment, std::max(whole, alignment))) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace flatenn {
namespace {

using namespace int8;

struct Timing {
  double seconds = 0.3;
  int turns = 5;
};

const Kernels& best_kernels() {
  if (avx512_vnni_kernels() != nullptr) return *avx512_vnni_kernels();
  return avx2_kernels() != nullptr ? *avx2_kernels() : *portable_kernels();
}

/// A network with images, as many as a trial of the test takes.
struct Subject {
  std::string name;
  Model model;
  Dataset data;

  Subject(const std::string& network, std::size_t images)
      : name(fmt::format("{}, {} images", network, images)),
        model(random_model(network_graph(network), 1)),
        data(random_dataset(std::get<Input>(model.graph.nodes[0].op), images, 1)) {}

  std::shared_ptr<const Plan> plan() const {
    return std::make_shared<const Plan>(compile(model, best_kernels(), true));
  }
  std::shared_ptr<Trials> trials(double rate = 0.01, const std::vector<std::string>& exposed = {},
                                 const Int8EvaluatorOptions& options = {}) const {
    return std::make_shared<Trials>(make_int8_evaluator(model, data, options), model, data, rate,
                                    exposed);
  }
};

/// The first side is the campaign's way.
void compare(const std::string& title, std::vector<Side> sides, const Timing& timing) {
  take_turns(sides, timing.seconds, timing.turns, 4 * timing.seconds * timing.turns);
  for (std::size_t i = 1; i < sides.size(); ++i) {
    fmt::print("{:58} {:34} {:12.0f} {:12.0f} {:8.2f}\n", title, sides[i].name, sides[0].best,
               sides[i].best, sides[0].best / sides[i].best);
  }
}

Side trial_side(const std::shared_ptr<Trials>& trials) {
  return {"", [trials] { return trials->run(); }};
}

void first_cells(const Timing& timing) {
  for (const auto& [network, images] : {std::pair{"lenet5", 10000}, {"resnet20", 256}}) {
    const Subject subject(network, static_cast<std::size_t>(images));
    const auto trials = subject.trials();
    const auto plan = subject.plan();
    compare("first layer's cells prepared once: " + subject.name,
            {trial_side(trials),
             {"prepared for every map",
              [&] {
                const PreparedImages cells(subject.data, plan->buffers[0]);
                benchmark::DoNotOptimize(cells.block(0));
                return trials->run();
              }}},
            timing);
  }
}

void prefix(const Timing& timing) {
  for (const auto& [network, images] : {std::pair{"lenet5", 10000}, {"resnet20", 256}}) {
    const Subject subject(network, static_cast<std::size_t>(images));
    const int tensors = static_cast<int>(subject.model.weights.size());
    for (const int tensor : {1, tensors / 2, tensors - 1}) {
      const std::string name = subject.model.weights[static_cast<std::size_t>(tensor)].name;
      const auto kept = subject.trials(0.01, {name});
      const auto whole = subject.trials(0.01, {name});
      kept->evaluator().keep_before(tensor);
      compare(fmt::format("prefix kept: {}, {} exposed", subject.name, name),
              {trial_side(kept), {"computed for every map", [&] { return whole->run(); }}}, timing);
    }
  }
}

/// Maps, not images, a second.
void patching(const Timing& timing) {
  for (const char* network : {"lenet5", "resnet20", "resnet18"}) {
    const Subject subject(network, 16);
    const auto plan = subject.plan();
    for (const double rate : {0.001, 0.01, 0.05}) {
      Corruption corruption(subject.model, rate);
      PackedWeights weights(plan);
      const auto patch = [&] {
        for (const CodeWrite& w : corruption.apply()) weights.set(w.tensor, w.element, w.code);
        for (const CodeWrite& w : corruption.undo()) weights.set(w.tensor, w.element, w.code);
        return 1.0;
      };
      const auto draw = [&] {
        corruption.apply();
        corruption.undo();
      };
      compare(fmt::format("touched weights alone, maps/s: {}, rate {}", network, rate),
              {{"", patch},
               {"all packed anew",
                [&] {
                  draw();
                  benchmark::DoNotOptimize(PackedWeights(plan).bias(0));
                  return 1.0;
                }}},
              timing);
    }
  }
}

void memory(const Timing& timing) {
  for (const auto& [network, images] :
       {std::pair{"lenet5", 10000}, {"resnet20", 256}, {"resnet18", 64}}) {
    const Subject subject(network, static_cast<std::size_t>(images));
    const auto trials = subject.trials();
    std::vector<std::uint8_t> classes(subject.data.size());
    trials->run();
    const std::uint64_t before = allocations;
    trials->evaluator().classify(0, classes.size(), classes);
    fmt::print("{:58} {} while classifying\n", "allocations: " + subject.name,
               allocations - before);
    compare("one evaluator for all maps: " + subject.name,
            {trial_side(trials),
             {"an evaluator a map",
              [&] {
                const auto fresh = trials->evaluator().clone();
                fresh->classify(0, 1, std::span(classes).first(1));
                return trials->run() + 1;
              }}},
            timing);
  }
}

/// All steps over some blocks of images, in either order.
class BlockOrders {
 public:
  explicit BlockOrders(const Subject& subject)
      : plan_(subject.plan()),
        weights_(plan_),
        images_(subject.data, plan_->buffers[0]),
        windows_(window_bytes(*plan_)),
        values_(value_bytes(*plan_)),
        patches_(patch_bytes(*plan_)),
        logits_(static_cast<std::size_t>(plan_->classes) * cell_bytes) {
    for (std::size_t first = 0; first < subject.data.size(); first += images_per_block) {
      arenas_.emplace_back(static_cast<std::size_t>(plan_->arena_bytes));
      fill_borders(*plan_, arenas_.back().data());
    }
  }

  double block_by_block() {
    for (std::size_t b = 0; b < arenas_.size(); ++b) {
      for (const Step& step : plan_->steps) run_step(step, place(b, 0));
    }
    return static_cast<double>(images_.size());
  }
  double layer_by_layer() {
    for (const Step& step : plan_->steps) {
      for (std::size_t b = 0; b < arenas_.size(); ++b) run_step(step, place(b, b));
    }
    return static_cast<double>(images_.size());
  }

 private:
  Workplace place(std::size_t block, std::size_t arena) const {
    return {plan_.get(),
            &weights_,
            nullptr,
            block,
            images_.block(block),
            arenas_[arena].data(),
            reinterpret_cast<std::int32_t*>(windows_.data()),
            reinterpret_cast<float*>(logits_.data()),
            reinterpret_cast<float*>(values_.data()),
            patches_.data()};
  }

  std::shared_ptr<const Plan> plan_;
  PackedWeights weights_;
  PreparedImages images_;
  AlignedBytes windows_, values_, patches_, logits_;
  std::vector<AlignedBytes> arenas_;
};

void blocks(const Timing& timing) {
  for (const char* network : {"lenet5", "resnet20", "resnet18"}) {
    for (const std::size_t images : {64, 256, 1024}) {
      if (std::string(network) == "resnet18" && images > 256) continue;
      BlockOrders orders(Subject(network, images));
      compare(fmt::format("16 images through all layers: {}, {} images", network, images),
              {{"", [&] { return orders.block_by_block(); }},
               {"layer by layer", [&] { return orders.layer_by_layer(); }}},
              timing);
    }
  }
}

void pooling(const Timing& timing) {
  const Subject subject("lenet5", 10000);
  Int8EvaluatorOptions options;
  options.fuse = false;
  compare("max pooling inside the layer before it: " + subject.name,
          {trial_side(subject.trials()),
           {"a step of its own",
            [trials = subject.trials(0.01, {}, options)] { return trials->run(); }}},
          timing);
}

int run(int argc, char** argv) {
  CLI::App app("What a campaign saves");
  Timing timing;
  std::vector<std::string> only;
  app.add_option("--seconds", timing.seconds, "processor time a side and turn");
  app.add_option("--turns", timing.turns, "turns of every side");
  app.add_option("--only", only, "some of: cells, prefix, patch, memory, blocks, pooling")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  fmt::print(
      "{}, one thread; images/s where nothing else is said\n{:58} {:34} {:>12} {:>12} {:>8}\n",
      processor_name(), "the campaign's way", "the other", "campaign", "other", "times");
  using Group = std::pair<const char*, void (*)(const Timing&)>;
  for (const auto& [name, measure] :
       {Group{"cells", first_cells}, Group{"prefix", prefix}, Group{"patch", patching},
        Group{"memory", memory}, Group{"blocks", blocks}, Group{"pooling", pooling}}) {
    if (only.empty() || std::ranges::count(only, name) > 0) measure(timing);
  }
  return 0;
}

}  // namespace
}  // namespace flatenn

int main(int argc, char** argv) { return flatenn::run_guarded(flatenn::run, argc, argv); }
