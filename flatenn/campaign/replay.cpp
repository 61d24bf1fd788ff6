#include "flatenn/campaign/replay.h"

#include <algorithm>

#include "flatenn/campaign/runner.h"
#include "flatenn/engine/make_evaluator.h"

namespace flatenn {
namespace {

std::vector<std::uint8_t> classes_of(Evaluator& evaluator, const Dataset& images,
                                     const Context& context) {
  std::vector<std::uint8_t> classes(images.size());
  classify_until(evaluator, classes, context.stop);
  throw_if_stopped(context);
  return classes;
}

std::vector<TensorFaults> count_by_tensor(const ProtectedMemory& memory,
                                          const std::vector<Fault>& faults,
                                          const AppliedFaults& applied) {
  const MemoryImage& image = memory.image();
  std::vector<TensorFaults> tensors;
  for (const StoredTensor& tensor : image.tensors()) tensors.push_back({tensor.name, 0, 0});
  const auto at = [&](std::uint64_t address) -> TensorFaults& {
    return tensors[static_cast<std::size_t>(image.cell(address).tensor)];
  };
  std::vector<Fault> placed;
  memory.place(faults, placed);
  std::uint64_t in_codes = 0;
  for (const Fault& fault : placed) {
    if (!memory.exposed().data.contains(fault.address)) continue;
    ++at(fault.address).faulty;
    ++in_codes;
  }
  for (const std::uint64_t address : applied.changed) ++at(address).changed;
  if (applied.faulty_bits > in_codes) {
    tensors.push_back({"check cells", applied.faulty_bits - in_codes, 0});
  }
  return tensors;
}

}  // namespace

Replay replay_trial(const CampaignSettings& settings, const CampaignModel& model,
                    const Dataset& images, const Context& context) {
  check_campaign(settings, {model}, images);
  const double rate = trial_rates(settings).front();
  const ExposedNetwork network(settings, *model.model);
  ProtectedMemory memory = network.memory();
  Replay replay;
  replay.memory_bits = memory.bits();
  replay.trial = {settings.kinds.front(), rate, settings.first_map};
  draw_faults(campaign_source(settings), settings.seed, settings.first_map, memory.bits(), rate,
              replay.faults);
  const auto evaluator =
      make_evaluator(settings.engine, network.model(), images, exposed_parts(settings));
  const std::vector<std::uint8_t> clean = classes_of(*evaluator, images, context);
  AppliedFaults applied;
  memory.apply(replay.faults, replay.trial.kind, applied);
  replay.guard = memory.counts();
  write_faults(*evaluator, applied);
  const std::vector<std::uint8_t> faulty = classes_of(*evaluator, images, context);
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (clean[i] != faulty[i]) replay.answers.push_back({i, images.labels[i], clean[i], faulty[i]});
  }
  replay.clean_correct = count_equal(clean, images.labels);
  replay.tensors = count_by_tensor(memory, replay.faults, applied);
  replay.trial.correct = count_equal(faulty, images.labels);
  replay.trial.faulty_bits = applied.faulty_bits;
  replay.trial.changed_bits = applied.changed_bits;
  replay.trial.answers_changed = replay.answers.size();
  return replay;
}

}  // namespace flatenn
