// AttackSearch: which bits to flip so that a network's loss on the attack images rises most.
//
// Every search is a pure function of settings and target, whatever the number of threads. Losses
// and gradients are taken at the codes that the flipped memory reads, where FloatNetwork is the
// integer network. A displacement from the stored codes would not do: divided by the scale again,
// it gives whole codes only nearly.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flatenn/analysis/attack_settings.h"
#include "flatenn/analysis/attack_words.h"
#include "flatenn/analysis/float_network.h"

namespace flatenn {

struct AttackTarget {
  const Model& model;
  const Dataset& images;     ///< what the attack knows
  const Exposure& exposure;  ///< of MemoryLayout(model); not empty
};

/// What one run of a search found for one budget.
struct FlipSet {
  std::uint64_t budget = 0;
  std::uint64_t restart = 0;
  std::vector<std::uint64_t> cells;  ///< addresses, distinct, at most `budget`
  LossPoint attacked;                ///< on the attack images
  bool operator==(const FlipSet&) const = default;
};

/// A network with some bits flipped, on the attack images.
class FlippedNetwork {
 public:
  /// Without flips. The target must outlive it.
  explicit FlippedNetwork(const AttackTarget& target);

  const AttackWords& words() const { return words_; }
  void flip(std::uint64_t address);
  /// These bits and no others are flipped. Precondition: no other flips than by this function.
  void set_flips(std::span<const std::uint64_t> cells);

  /// Throws Interrupted, as the next two do.
  LossPoint evaluate(const Context& context) const;
  /// With one more bit flipped; changes nothing, so several threads may ask at once.
  LossPoint evaluate_with(std::uint64_t address, const Context& context) const;
  /// Of the mean loss by each weight; float32, contiguous, a tensor each.
  std::vector<torch::Tensor> gradient(const Context& context) const;

 private:
  const AttackTarget& target_;
  AttackWords words_;
  Model model_;                         ///< with the codes that words_ read
  std::vector<std::uint64_t> flipped_;  ///< by set_flips
};

/// Progressive bit search (Rakin, He and Fan, Bit-Flip Attack, ICCV 2019): in every round the
/// gradient at the flipped network ranks the bits of each layer; the settings.candidates best of
/// each, among those that raise the loss in first order and are not flipped yet, are tried by
/// themselves; the one with the largest loss stays flipped. Budgets are prefixes of one sequence,
/// which ends early when no bit raises the loss in first order. Ties: the lower layer, then the
/// larger gain. One set a budget, cells in the order of flipping. Reports the task `task` in flips.
/// Throws Interrupted.
std::vector<FlipSet> progressive_search(const AttackSettings& settings, const AttackTarget& target,
                                        const std::string& task, const Context& context);

/// Gradient ascent with projection (after Stutz et al., Random and Adversarial Bit Error
/// Robustness, TPAMI 2022). For every budget and restart: weights start at `budget` random flips,
/// one a weight; a step adds the momentum of normalised gradients, taken at the network with the
/// flips that AttackWords::project makes of the weights. Weights are counted in half ranges of
/// their tensor, and gradients scaled so that the largest moves its weight by settings.step_size.
/// Of all steps, the flips with the largest loss. At most one flip a weight. A set a budget and
/// restart, cells ascending. Reports the task `task` in steps. Throws Interrupted.
std::vector<FlipSet> gradient_search(const AttackSettings& settings, const AttackTarget& target,
                                     const std::string& task, const Context& context);

/// Flips by chance: in every restart budgets are prefixes of one random order of the exposed cells.
/// A set a budget and restart, cells in the order drawn. Reports the task `task` in draws. Throws
/// Interrupted.
std::vector<FlipSet> random_search(const AttackSettings& settings, const AttackTarget& target,
                                   const std::string& task, const Context& context);

/// settings.threads, or all processors.
int thread_count(const AttackSettings& settings);

}  // namespace flatenn
