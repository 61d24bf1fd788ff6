#include "flatenn/analysis/repair.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "flatenn/analysis/float_network.h"
#include "flatenn/base/error.h"
#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"
#include "flatenn/memory/fault_source.h"

namespace flatenn {
namespace {

using torch::Tensor;

/// Whether the output reads the node: its values are compared with each other, not normalised.
bool is_last(const Graph& graph, int node) {
  return std::ranges::any_of(graph.nodes, [&](const Node& reader) {
    return std::holds_alternative<Output>(reader.op) && reader.inputs[0] == node;
  });
}

std::vector<double> to_vector(const Tensor& values) {
  const Tensor list = values.to(torch::kFloat64).contiguous();
  return {list.data_ptr<double>(), list.data_ptr<double>() + list.numel()};
}

ChannelMoments moments_of(int node, const Tensor& sums) {
  const Tensor flat = sums.reshape({sums.size(0), -1}).to(torch::kFloat64);
  return {node, to_vector(flat.mean(1)), to_vector(flat.std(1, false))};
}

/// What brings a channel from its moments to the target's: v * gain + shift.
struct ChannelMap {
  std::vector<double> gain, shift;
};

ChannelMap map_to(const ChannelMoments& target, const ChannelMoments& present) {
  ChannelMap map;
  for (std::size_t c = 0; c < target.mean.size(); ++c) {
    const bool constant = present.deviation[c] == 0 || target.deviation[c] == 0;
    const double gain = constant ? 1 : target.deviation[c] / present.deviation[c];
    map.gain.push_back(gain);
    map.shift.push_back(target.mean[c] - present.mean[c] * gain);
  }
  return map;
}

void apply_map(const ChannelMap& map, NodeAffine& affine) {
  const auto at = [](double value) { return static_cast<float>(value); };
  for (std::size_t c = 0; c < map.gain.size(); ++c) {
    affine.multiplier[c] = at(affine.multiplier[c] * map.gain[c]);
    if (!affine.window_multiplier.empty()) {
      affine.window_multiplier[c] = at(affine.window_multiplier[c] * map.gain[c]);
    }
    affine.addend[c] = at(affine.addend[c] * map.gain[c] + map.shift[c]);
  }
}

Tensor apply_map(const ChannelMap& map, const Tensor& sums) {
  const auto channels = [&](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat64).to(sums.dtype()).view({-1, 1, 1, 1});
  };
  return sums * channels(map.gain) + channels(map.shift);
}

void check_calibration(std::size_t images, const Dataset& data) {
  if (images < 2) fail("recalibration needs at least 2 images, not {}", images);
  if (images > data.size()) {
    fail("{} calibration images asked, but {} has {}", images, data.name, data.size());
  }
}

/// One network, its memory, and what repairs it.
class RepairBench {
 public:
  RepairBench(const Model& model, const CampaignSettings& settings, const Dataset& calibration,
              std::size_t calibration_images, const Dataset& test)
      : settings_(settings),
        source_(campaign_source(settings)),
        calibration_(calibration),
        images_(calibration_images),
        test_(test),
        faulty_(model),
        memory_(model),
        exposure_(memory_.expose(settings.exposed)),
        target_(channel_moments(model, calibration, calibration_images)) {}

  double accuracy_now() const {
    const auto evaluator = make_evaluator(settings_.engine, faulty_, test_);
    return accuracy(*evaluator, test_);
  }

  double accuracy_repaired() const {
    const Model repaired = recalibrate(faulty_, target_, calibration_, images_);
    const auto evaluator = make_evaluator(settings_.engine, repaired, test_);
    return accuracy(*evaluator, test_);
  }

  void add_map(std::uint64_t map, RepairCell& cell) {
    draw_faults(source_, settings_.seed, map, memory_.bits(), cell.rate, faults_);
    memory_.apply(faults_, cell.kind, exposure_, applied_);
    write();
    cell.faulty.push_back(accuracy_now());
    cell.repaired.push_back(accuracy_repaired());
    memory_.undo(applied_);
    write();
  }

 private:
  void write() {
    for (const CodeWrite& write : applied_.writes) {
      faulty_.weights[static_cast<std::size_t>(write.tensor)]
          .codes[static_cast<std::size_t>(write.element)] = write.code;
    }
  }

  const CampaignSettings& settings_;
  FaultSource source_;
  const Dataset& calibration_;
  std::size_t images_;
  const Dataset& test_;
  Model faulty_;  ///< the codes that the memory holds now
  MemoryImage memory_;
  Exposure exposure_;
  std::vector<ChannelMoments> target_;
  std::vector<Fault> faults_;
  AppliedFaults applied_;
};

void check_repair(const CampaignSettings& settings) {
  check_settings(settings);
  if (settings.memory != std::vector<std::string>{"weights"}) {
    fail("memory: recalibration is about faulty weights, not {}", fmt::join(settings.memory, ", "));
  }
  if (campaign_protection(settings).any()) {
    fail(
        "guard, placement and headroom are for 'flatenn campaign'; recalibration is measured "
        "without");
  }
  if (settings.sequential() || settings.sweep != Sweep::none || settings.single_bit()) {
    fail("until, sweep and source = \"single\" are for 'flatenn campaign'");
  }
}

}  // namespace

std::vector<ChannelMoments> channel_moments(const Model& model, const Dataset& data,
                                            std::size_t images) {
  const torch::NoGradGuard guard;
  std::vector<ChannelMoments> moments;
  FloatNetwork(model, data, Precision::single_)
      .logits({}, 0, images, [&](int node, const Tensor& sums) {
        if (!is_last(model.graph, node)) moments.push_back(moments_of(node, sums));
        return sums;
      });
  return moments;
}

Model recalibrate(const Model& model, std::span<const ChannelMoments> target, const Dataset& data,
                  std::size_t images) {
  const torch::NoGradGuard guard;
  Model repaired = model;
  std::size_t next = 0;
  FloatNetwork(model, data, Precision::single_)
      .logits({}, 0, images, [&](int node, const Tensor& sums) {
        if (is_last(model.graph, node)) return sums;
        FLATENN_ASSERT(next < target.size() && target[next].node == node);
        const ChannelMap map = map_to(target[next++], moments_of(node, sums));
        apply_map(map, repaired.affine[static_cast<std::size_t>(node)]);
        return apply_map(map, sums);
      });
  return repaired;
}

RepairResult measure_repair(const Model& model, const CampaignSettings& settings,
                            const Dataset& calibration, std::size_t calibration_images,
                            const Dataset& test, const Context& context) {
  check_repair(settings);
  check_images(model, test);
  check_images(model, calibration);
  check_calibration(calibration_images, calibration);
  RepairBench bench(model, settings, calibration, calibration_images, test);
  RepairResult result;
  result.clean = bench.accuracy_now();
  result.clean_recalibrated = bench.accuracy_repaired();
  Progress progress;
  progress.task = "repair";
  progress.unit = "trials";
  progress.total =
      static_cast<double>(settings.kinds.size() * trial_rates(settings).size() * settings.maps);
  for (const FaultKind kind : settings.kinds) {
    for (const double rate : trial_rates(settings)) {
      RepairCell cell{kind, rate, {}, {}, {}};
      for (std::uint64_t map = 0; map < settings.maps; ++map) {
        throw_if_stopped(context);
        bench.add_map(settings.first_map + map, cell);
        progress.done += 1;
        context.events->progress(progress);
      }
      cell.gain = paired_interval(cell.repaired, cell.faulty);
      result.cells.push_back(std::move(cell));
    }
  }
  context.events->finished(progress.task);
  return result;
}

}  // namespace flatenn
